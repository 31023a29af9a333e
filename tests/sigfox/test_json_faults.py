"""Why a body is no JSON: the variable that stands there without quotes, and its place."""

from __future__ import annotations

import pytest

from evd.errors import BadRequest
from evd.sigfox.message import read_json


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"device":"1A2B61","time":1764000000,"lat":NaN,"lon":NaN}',
            "NaN stands at character 44, which is no number",
        ),
        (b'{"a":-Infinity}', "-Infinity stands at character 6,"),
        (b'{"a":[1, nan]}', "nan stands at character 10,"),
        (b'{"Lat": {customData#Lat},"b":1}', "{customData#Lat} stands at character 9, which Sigfox did not replace"),
        (b'{"a":5.null}', "5.null stands at character 6, which is glued"),
        (b'{"a":null.null}', "null.null stands at character 6, which is glued"),
        (b'{"a":,"b":1}', "at character 6 no value stands"),
        (b'{"a": }', "at character 7 no value stands"),
    ],
)
def test_h23_a_variable_without_quotes_that_is_no_json_is_named_with_its_place(body: bytes, said: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_json(body)
    assert said in caught.value.detail
    assert caught.value.detail.endswith("write its variable in quotes in the template")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b'{"a" 1}', id="no colon"),
        pytest.param(b'{"a":nano}', id="a word that begins as NaN"),
        pytest.param(b'{"a":{b c}}', id="braces around more than a name"),
        pytest.param(b'{"a":[1,]}', id="nothing behind a comma"),
        pytest.param(b"[,1]", id="nothing before one"),
    ],
)
def test_another_fault_is_no_templates(body: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        read_json(body)
    assert caught.value.detail.startswith("the body is no JSON: ")
    assert "template" not in caught.value.detail


def test_a_glued_value_is_quoted_within_bounds() -> None:
    with pytest.raises(BadRequest) as caught:
        read_json(b'{"a":1' + b".22" * 60 + b"}")
    assert f"1{'.22' * 13} stands at character 6" in caught.value.detail
