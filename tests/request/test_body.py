"""From a request to its variables: every shape Sigfox can send, and a clear refusal of everything else."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evd.errors import BadRequest
from evd.request.body import BatchLine, LinePattern, form_key, read_batch, read_document
from evd.sigfox.kinds.registry import VARIABLES_MAX
from evd.sigfox.message import read_message

JSON, FORM, TEXT = "application/json", "application/x-www-form-urlencoded", "text/plain"
PATTERN = LinePattern.parse("{device};{time};{data};{seqNumber};")


def headers(content_type: str | None) -> dict[bytes, bytes]:
    return {} if content_type is None else {b"content-type": content_type.encode()}


def document(
    body: bytes = b"",
    content_type: str | None = JSON,
    *,
    query: bytes = b"",
    method: str = "POST",
    pattern: LinePattern | None = None,
) -> dict[str, Any]:
    return read_document(method=method, headers=headers(content_type), query=query, body=body, pattern=pattern)


def batch(
    body: bytes = b"", content_type: str | None = TEXT, *, query: bytes = b"", lines_max: int = 100
) -> list[BatchLine]:
    return list(read_batch(headers=headers(content_type), query=query, body=body, pattern=PATTERN, lines_max=lines_max))


@pytest.mark.parametrize(
    ("content_type", "body", "query", "expected"),
    [
        pytest.param(JSON, b'{"a":1}', b"", {"a": 1}, id="JSON"),
        pytest.param("Application/JSON; charset=utf-8", b'{"a":1}', b"", {"a": 1}, id="JSON with a charset"),
        pytest.param(None, b' {"a":1}', b"", {"a": 1}, id="JSON without a type"),
        pytest.param("image/png", b'{"a":1}', b"", {"a": 1}, id="JSON of any type, as the original took it"),
        pytest.param(FORM, b'{"a":"1&key=2"}', b"", {"a": "1&key=2"}, id="JSON called a form"),
        pytest.param(TEXT, b'{"a":1}', b"", {"a": 1}, id="JSON called text"),
        pytest.param(JSON, b'{"time":1}', b"time=2&batt=3", {"time": 1, "batt": "3"}, id="JSON beside a query"),
        pytest.param(JSON, b'{"a":1}', b"kind=status&b=3", {"a": 1, "kind": "status"}, id="JSON at a URL of its own"),
        pytest.param(JSON, b'{"a":1}', b"a=%ff", {"a": 1}, id="JSON beside what is no query"),
        pytest.param(JSON, b"", b"a=2", {"a": "2"}, id="a query and no body"),
        pytest.param(None, b"", b"a=2", {"a": "2"}, id="a query, no body and no type"),
        pytest.param(TEXT, b"\r\n", b"a=2", {"a": "2"}, id="a query and a blank body"),
        pytest.param(FORM, b"a=1&b=", b"", {"a": "1", "b": ""}, id="a form"),
        pytest.param(FORM, b"a=1", b"a=2&b=3", {"a": "1", "b": "3"}, id="a form beside a query"),
        pytest.param(FORM, b"a=1&b=2&a=3", b"", {"a": "3", "b": "2"}, id="of a name given twice the last counts"),
        pytest.param(FORM, b"a=1+2%2B3%20%C3%A9", b"", {"a": "1 2+3 é"}, id="percent and plus"),
        pytest.param(FORM, "a=é".encode(), b"", {"a": "é"}, id="UTF-8 that was not encoded"),
        pytest.param(FORM, b"a=%zz&b=%", b"", {"a": "%zz", "b": "%"}, id="a percent sign that encodes nothing"),
        pytest.param(FORM, b"a&b=1&&=2", b"", {"a": "", "b": "1"}, id="what has no value or no name"),
        pytest.param(FORM, b"a=%7B%22b%22%3A1%7D", b"", {"a": {"b": 1}}, id="an object in a form"),
        pytest.param(FORM, b'a=[{"b":1}]', b"", {"a": [{"b": 1}]}, id="a list in a form"),
        pytest.param(FORM, b"a={b}&c=[x", b"", {"a": "{b}", "c": "[x"}, id="what only looks like an object"),
        pytest.param(JSON, b'{"a":1,"key":"secret"}', b"key=secret", {"a": 1}, id="the key is no variable"),
        pytest.param(FORM, b"key=secret&a=1", b"", {"a": "1"}, id="the key of a form is no variable"),
    ],
)
def test_variables_of_a_request(content_type: str | None, body: bytes, query: bytes, expected: dict[str, Any]) -> None:
    assert document(body, content_type, query=query) == expected
    assert document(body, content_type, query=query, method="PUT") == expected


def test_a_get_has_its_variables_in_the_url_only() -> None:
    assert document(b'{"a":1}', query=b"b=2&key=x", method="GET") == {"b": "2"}


def test_a_text_is_read_by_its_routes_pattern() -> None:
    pattern = LinePattern.parse("{device};{computedLocation}")
    assert document(b'A1;{"lat":1}\r\n', TEXT, pattern=pattern) == {"device": "A1", "computedLocation": {"lat": 1}}
    assert document(b"A1;", TEXT, pattern=pattern, query=b"time=5") == {
        "device": "A1",
        "computedLocation": "",
        "time": "5",
    }


@pytest.mark.parametrize(
    ("content_type", "body", "query", "says"),
    [
        (JSON, b"", b"", "no JSON"),
        (JSON, b"[1]", b"a=1", "JSON object"),
        (None, b"a=1", b"", "no JSON"),
        (TEXT, b"A1;5", b"", "sigfox.text_patterns"),
        (FORM, b"a=%ff", b"", "UTF-8"),
        (FORM, b"a=\xff", b"", "UTF-8"),
        (FORM, b"a=%ed%a0%80", b"", "UTF-8"),
        (FORM, b"a=1", b"a=%ff", "UTF-8"),
        (FORM, b"a=" + b"[" * 200 + b"]" * 200, b"", "nested"),
        (FORM, b"&".join(b"a%d=1" % number for number in range(VARIABLES_MAX + 1)), b"", "256 variables"),
        (FORM, b"a=1", b"&" * VARIABLES_MAX, "256 variables"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(
    content_type: str | None, body: bytes, query: bytes, says: str
) -> None:
    with pytest.raises(BadRequest, match=says) as caught:
        document(body, content_type, query=query)
    assert caught.value.error == "Body parsing error"


def test_as_many_variables_as_are_allowed() -> None:
    body = b"&".join(b"a%d=1" % number for number in range(VARIABLES_MAX))
    assert len(document(body, FORM)) == VARIABLES_MAX


@pytest.mark.parametrize(
    ("content_type", "body", "key"),
    [
        (FORM, b"device=1&key=evd_abc&time=5", "evd_abc"),
        (FORM, b"k%65y=a%2Bb+c", "a+b c"),
        (FORM, b"key=one&key=two", "two"),
        (FORM + "; charset=utf-8", b"key=x", "x"),
        (FORM, b"key=", None),
        (FORM, b"key", None),
        (FORM, b"Key=x&xkey=y&keys=z", None),
        (FORM, b"key=%ff", None),
        (FORM, b"key=\xff", None),
        (FORM, b'{"a":"&key=x"}', None),
        (JSON, b"key=x", None),
        (TEXT, b"key=x", None),
        (None, b"key=x", None),
        (FORM, b"", None),
        (FORM, b"key=x" + b"&" * VARIABLES_MAX, None),
    ],
)
def test_a_form_may_show_the_key(content_type: str | None, body: bytes, key: str | None) -> None:
    assert form_key(headers(content_type), body) == key


def test_no_line_of_a_batch_shows_a_secret() -> None:
    pattern = LinePattern.parse("{device};{time};{data};{token};")
    read = read_batch(headers={}, query=b"", body=b"A1;1;00;C;\nA1;C", pattern=pattern, lines_max=9)
    good, bad = read
    assert good[1:] == ("A1;1;00;***;", {"device": "A1", "time": "1", "data": "00", "token": "***"})
    assert bad.text == "***"
    assert [line.text for line in batch(b"A1;1;00;key=C;\nA1;evd_sigfox_Ab3dEf6h_CCC_x")] == [
        "A1;1;00;key=***;",
        "A1;***",
    ]


def test_a_batch_has_a_bound_on_its_lines() -> None:
    body = b"\n\n".join([b"A;1;00;"] * 5)
    assert [line.number for line in batch(body, lines_max=5)] == [1, 3, 5, 7, 9]
    with pytest.raises(BadRequest, match="5 lines, at most 4"):
        batch(body, lines_max=4)


def test_a_batch_is_never_taken_from_the_key() -> None:
    assert len(batch(b"key=A;1;00;&var=B;2;01;", FORM)) == 1
    with pytest.raises(BadRequest, match="no batch"):
        batch(b"key=A;1;00;", FORM)


def test_a_line_break_is_none_of_unicodes_others() -> None:
    (line,) = batch("A;1;00;\u2028;".encode())
    assert line.number == 1


def test_a_line_that_is_no_text_is_shown_in_ascii() -> None:
    bad, good = batch(b"\xff;1;00;1;\nA;1;00;1;")
    assert bad.text == "\\xff;1;00;1;"
    assert isinstance(bad.variables, BadRequest)
    assert good.variables == {"device": "A", "time": "1", "data": "00", "seqNumber": "1"}


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
content_types = st.sampled_from([JSON, FORM, TEXT, "image/png", "", None])
pieces = st.sampled_from([b"a=1", b"key=x", b"&", b"=", b"%", b"%ff", b"{", b"}", b"[", b'"', b";", b"\n", b"\r", b"1"])
bodies = st.binary(max_size=40) | st.lists(pieces, max_size=12).map(b"".join)


@given(bodies, bodies, content_types, st.sampled_from(["GET", "POST", "PUT"]), st.booleans())
def test_law_any_bytes_are_variables_or_a_refusal(
    body: bytes, query: bytes, content_type: str | None, method: str, with_pattern: bool
) -> None:
    try:
        variables = document(body, content_type, query=query, method=method, pattern=PATTERN if with_pattern else None)
    except BadRequest as refusal:
        assert refusal.detail
    else:
        assert "key" not in variables
        orjson.dumps(variables)


@given(bodies, bodies, content_types)
def test_law_any_bytes_are_lines_or_a_refusal(body: bytes, query: bytes, content_type: str | None) -> None:
    try:
        lines = batch(body, content_type, query=query)
    except BadRequest as refusal:
        assert refusal.detail
    else:
        for line in lines:
            line.text.encode()
            assert isinstance(line.variables, BadRequest) or orjson.dumps(line.variables)


@given(bodies)
def test_law_the_key_is_found_or_nothing(body: bytes) -> None:
    assert form_key(headers(FORM), body) is None or isinstance(form_key(headers(FORM), body), str)


@given(st.dictionaries(words.filter(lambda name: name not in ("", "key")), words, max_size=5))
@example({"a": "&=%+;"})
def test_law_what_was_encoded_comes_back(variables: dict[str, str]) -> None:
    encoded = urlencode(variables).encode()
    folded = {name: value for name, value in variables.items() if value[:1] not in ("{", "[")}
    for found in (document(encoded, FORM), document(b"", FORM, query=encoded)) if variables else ():
        assert {name: found[name] for name in folded} == folded
        assert found.keys() == variables.keys()


messages = st.fixed_dictionaries(
    {
        "device": st.integers(1, 2**32 - 1).flatmap(
            lambda one: st.sampled_from([f"{one:X}", f"{one:x}", f"{one:08X}"])
        ),
        "time": st.integers(1, 4_000_000_000),
        "data": st.binary(max_size=12).map(bytes.hex),
        "seqNumber": st.none() | st.integers(0, 4095),
        "ack": st.booleans(),
    },
    optional={
        "state": st.integers(0, 3),
        "current": st.integers(0, 1023) | st.floats(0, 100).map(lambda value: round(value, 3)),
        "indoor_temp": st.integers(0, 65535),
        "location": st.just("48.1486,17.1077"),
        "advanced": st.booleans(),
        "deviceTypeId": st.just("5D8CDC8FEA06BB6E41234567"),
        "station": st.just("1B2C"),
        "rssi": st.just(-118.5),
    },
)


def as_text(value: Any) -> str:
    """As Sigfox writes a value into a template."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


@given(messages)
def test_law_a_message_is_the_same_in_every_shape(variables: dict[str, Any]) -> None:
    texts = {name: as_text(value) for name, value in variables.items()}
    form = "&".join(f"{name}={quote(text)}" for name, text in texts.items()).encode()
    pattern = ";".join(f"{{{name}}}" for name in texts)
    line = ";".join(texts.values())
    expected = read_message(document(orjson.dumps(variables)))
    separate = LinePattern.parse(pattern)
    shapes = {
        "quoted": document(orjson.dumps(texts)),
        "form": document(form, FORM),
        "query": document(query=form, method="GET"),
        "query with a body": document(b"", FORM, query=form),
        "text": document(line.encode(), TEXT, pattern=separate),
        "line": next(read_batch(headers={}, query=b"", body=line.encode(), pattern=separate, lines_max=1)).variables,
    }
    assert {name: read_message(shape) for name, shape in shapes.items() if isinstance(shape, dict)} == dict.fromkeys(
        shapes, expected
    )
