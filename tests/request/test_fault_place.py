"""The place of a fault in a refused body, by the reasons that evd itself gives."""

from __future__ import annotations

import pytest

from evd.errors import BadRequest
from evd.request.body import read_document
from evd.request.fault_place import fault_place
from evd.sigfox.message import read_message


def marked(body: str, content_type: str = "application/json") -> str | None:
    """What is marked of a body that evd refuses."""
    headers = {b"content-type": content_type.encode()}
    with pytest.raises(BadRequest) as refused:
        read_message(read_document(method="POST", headers=headers, query=b"", body=body.encode(), pattern=None))
    place = fault_place(body, refused.value.detail)
    return None if place is None else body[place["start"] : place["end"]]


@pytest.mark.parametrize(
    ("body", "mark"),
    [
        ('{"device": "C0FFE1", "time": {time}}', "{time}"),
        ('{"device": "C0FFE1", "time": }', "}"),
        ('{"device": "C0FFE1", "time": now}', "now"),
        ('{"device": "C0FFE1", "time": 12', "2"),
        ('{"device": "C0FFE1", "range": NaN, "time": 12}', "NaN"),
        ('{"device": "C0FFE1" "time": 12}', '"'),
        ('{"device": "C0FFE1", "time": "soon"}', '"soon"'),
        ('{"device": "C0FFE1", "time" : [1, 2], "data": "00"}', "[1, 2]"),
        ('{"device": "\U0001f697", "time": "soon"}', '"soon"'),
        ('{"device": "C0FFE1", "time": 12, "data": "xyz"}', '"xyz"'),
        ('{"device": "C0FFE1", "time": 12, "seqNumber": -1}', "-1"),
        ('{"device": ["C0FFE1"], "time": 12}', '["C0FFE1"]'),
        ('{"device": "C0FFE1", "data": "00"}', None),
    ],
)
def test_the_fault_of_a_json_body(body: str, mark: str | None) -> None:
    assert marked(body) == mark


@pytest.mark.parametrize(("body", "mark"), [("device=C0FFE1&time=soon&data=00", "soon"), ("device=C0FFE1", None)])
def test_the_fault_of_a_form(body: str, mark: str | None) -> None:
    assert marked(body, "application/x-www-form-urlencoded") == mark


def test_what_is_nested_without_end_has_no_place() -> None:
    assert fault_place("[" * 100_000, "the body is nested deeper than 32 levels") is None
