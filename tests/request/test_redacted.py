"""What is kept of a request: route, headers and body without their secrets, and the rest as it was, within bounds."""

from __future__ import annotations

import orjson
import pytest
from secret_samples import CANARY

from evd.redaction.requests import ACCEPTED, MASK, masked_bytes, refused
from evd.request.http import Request
from evd.request.line_pattern import LinePattern
from evd.request.redacted import (
    HEADERS_MAX,
    LINE_BYTES_MAX,
    PIECE_BYTES,
    batch_without_secrets,
    is_utf8,
    kept_body,
    kept_headers,
    kept_in_steps,
    kept_route,
    without_secrets,
)

JSON, FORM, TEXT = b"application/json", b"application/x-www-form-urlencoded", b"text/plain"
REFUSED = refused()
PEM = b"-----BEGIN PRIVATE " + b"KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----"
KEYED = LinePattern.parse("{device};{key};{time};")


def request(
    body: bytes = b"", content_type: bytes = JSON, *, query: bytes = b"", path: str = "/sigfox/uplink"
) -> Request:
    return Request("POST", path, query, {b"content-type": content_type}, body, "192.0.2.1")


def in_steps(body: bytes, content_type: bytes) -> tuple[bytes, int]:
    """What is kept of a long body, and how often the work paused."""
    steps = kept_in_steps(request(body, content_type), REFUSED)
    pauses = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, pauses
        pauses += 1


@pytest.mark.parametrize(
    ("given", "query", "body"),
    [
        (request(b'{"a":1,"token":"C"}'), b"", b'{"a":1,"token":"***"}'),
        (request(b"a=1&token=C", FORM), b"", b"a=1&token=***"),
        (request(b"", query=b"device=1&key=C"), b"device=1&key=***", b""),
        (request(b"code=P0420&session=x", FORM, query=b"session=x"), b"session=x", b"code=P0420&session=x"),
    ],
)
def test_an_accepted_request_loses_what_is_certainly_a_secret(given: Request, query: bytes, body: bytes) -> None:
    left = without_secrets(given, None)
    assert (left.query, left.body) == (query, body)
    assert left is given or (query, body) != (given.query, given.body), "an unchanged request is not copied"


@pytest.mark.parametrize(
    ("content_type", "left"), [(TEXT, b"A1;***;5;\n"), (JSON, b"A1;***;5;\n"), (FORM, b"A1;C;5;\n")]
)
def test_a_pattern_masks_what_stands_in_a_text_and_in_no_form(content_type: bytes, left: bytes) -> None:
    given = request(b"A1;C;5;\n", content_type)
    assert without_secrets(given, KEYED).body == left
    assert batch_without_secrets(given, KEYED).body == left


def test_a_private_key_over_the_lines_of_a_batch_is_masked_and_other_secrets_wait_for_their_line() -> None:
    pattern = LinePattern.parse("{device};{time};")
    assert batch_without_secrets(request(b"A1;5;\n" + PEM, TEXT), pattern).body == b"A1;5;\n***"
    alone = request(b"A1;5;key=C\n", TEXT)
    assert batch_without_secrets(alone, pattern) is alone


@pytest.mark.parametrize(
    ("given", "route"),
    [
        (request(), "POST /sigfox/uplink"),
        (request(query=b"device=1&key=C"), "POST /sigfox/uplink?device=1&key=***"),
        (request(path="/sigfox/uplink/key/C"), "POST /sigfox/uplink/key/***"),
    ],
)
def test_a_route_is_kept_with_its_query(given: Request, route: str) -> None:
    assert kept_route(given, REFUSED) == route


@pytest.mark.parametrize(
    ("body", "content_type", "left"),
    [
        (b"a=C&time=5", FORM, b"a=***&time=5"),
        (b"a=C&time=5", JSON, b"a=***&time=5"),  # a form, whatever its type
        (b"a=C", JSON, b"a=C"),  # a single pair may be prose
        (b"a=C D&time=5", JSON, b"a=C D&time=5"),
        (b'{"a":"C&time=5"}', JSON, b'{"a":"C&time=5"}'),
    ],
)
def test_a_refused_form_is_known_by_its_type_or_its_look(body: bytes, content_type: bytes, left: bytes) -> None:
    assert kept_body(request(body, content_type), REFUSED) == left


@pytest.mark.parametrize("content_type", [TEXT, JSON])
def test_a_long_body_is_kept_piece_by_piece_as_it_would_be_at_once(content_type: bytes) -> None:
    lines = b"".join(b"A%d;5;%s;\r\n" % (number, b"key=C" if number % 7 else b"00") for number in range(1000))
    left, pauses = in_steps(lines, content_type)
    assert left == masked_bytes(lines, REFUSED)
    assert b"C" not in left
    assert pauses == len(lines) // PIECE_BYTES + 1


def test_a_long_line_is_cut_where_a_short_body_would_end() -> None:
    whole = b"1;" * (LINE_BYTES_MAX // 2)
    assert in_steps(whole, TEXT) == (whole, 2)
    assert in_steps(whole + b"1", TEXT)[0] == whole + MASK.encode()


def test_a_long_form_shows_its_known_variables_and_of_others_that_they_are_there() -> None:
    long = b"1;" * PIECE_BYTES
    left, pauses = in_steps(b"data=" + long + b"key=C&time=5&secret_note=" + long + b"&x=C", FORM)
    assert left == b"data=" + long + b"key%3D***&time=5&secret_note=***&x=***"
    assert pauses > 0
    assert in_steps(b"time=5", FORM) == (b"time=5", 0)


def test_utf_16_is_searched_whole() -> None:
    body = '{"device":"1","key":"C4nary"}'.encode("utf-16-le")
    left, pauses = in_steps(body, JSON)
    assert (left.decode("utf-16-le"), pauses) == ('{"device":"1","key":"***"}', 0)


def test_headers_are_kept_by_their_names() -> None:
    token = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVg1="
    headers = {b"host": b"x", b"user-agent": token, b"x-trace": token, b"x-api-key": CANARY.encode(), b"x-n": b"\xe9"}
    assert orjson.loads(kept_headers(headers, REFUSED)) == {
        "host": "x",
        "user-agent": token.decode(),
        "x-trace": MASK,
        "x-api-key": MASK,
        "x-n": "é",
    }


def test_the_longest_headers_are_left_out_first() -> None:
    fits = HEADERS_MAX - len("host") - len("x") - len("a")
    for size, kept in ((fits, {"host", "a"}), (fits + 1, {"host"})):
        headers = {b"a": b"1" * size, b"host": b"x"}
        assert orjson.loads(kept_headers(headers, ACCEPTED)).keys() == kept


def test_a_lines_headers_call_it_a_text() -> None:
    kept = orjson.loads(kept_headers({b"content-type": FORM, b"host": b"x"}, REFUSED, of_line=True))
    assert kept == {"content-type": "text/plain; charset=utf-8", "host": "x"}


@pytest.mark.parametrize(
    ("body", "text"), [(b"", True), ("é".encode(), True), (b"\xff", False), (b"\xed\xa0\x80", False)]
)
def test_only_utf_8_is_text(body: bytes, text: bool) -> None:
    assert is_utf8(body) is text
