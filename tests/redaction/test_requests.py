"""Forms, queries, paths, bodies and lines of batches are shown without their secrets; the cheap look misses none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from secret_samples import CANARY, CERTAIN, DOUBTFUL, HARMLESS, JWT, SHAPES, objects

from evd.redaction.requests import (
    ACCEPTED,
    MASK,
    MaskingRule,
    line_may_hold_secret,
    masked,
    masked_bytes,
    masked_form,
    masked_line,
    masked_path,
    may_hold_secret,
    refused,
)
from evd.sigfox.kinds.registry import VARIABLES_MAX

REFUSED = refused()


def shown(text: str, rule: MaskingRule = REFUSED) -> str:
    return masked_bytes(text.encode(), rule).decode()


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("386625;1700000000;130a4c0f594e427e4bb45088;12;-126.00", None),
        ("386625;1700000000;;12;5964a10570c85b51ccbaf497;2BF6", None),
        ("386625;never;00;ab0d40bd-dbc5-4076-b684-3f610d96e621", "386625;never;00;***"),
        ("386625;1700000000;ab0d40bd-dbc5-4076-b6", "386625;1700000000;***"),
        ("386625;1700000000;00;0123456789abcdef0123456789", "386625;1700000000;00;***"),
        ("386625;1700000000;00;key=C", "386625;1700000000;00;key=***"),
    ],
)
def test_a_refused_line_keeps_its_payload_and_shows_no_token(line: str, left: str | None) -> None:
    assert masked_line(line, REFUSED) == (line if left is None else left)


@given(st.text("0123456789abcF+-;.e, ", max_size=60))
def test_law_a_line_is_masked_as_any_text(line: str) -> None:
    assert masked_line(line, REFUSED) == masked(line, REFUSED)


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("device=386625&time=1&key=C", "device=386625&time=1&key=***"),
        ("%6bey=C&k%65y=D&Key=E", "%6bey=***&k%65y=***&Key=***"),
        ("code=C&lat=-33.795&lng=151.035&radius=3321", "code=***&lat=-33.795&lng=151.035&radius=3321"),
        ("apikey=C&token=C&pw=C&x=C", "apikey=***&token=***&pw=***&x=***"),
        ("battery=3.29999&door=true&name=&fault={customData#fault}&u=7", None),
        ("phone=421905123456", "phone=***"),
        ("data=0123456789abcdef01234567&deviceTypeId=5964a10570c85b51ccbaf497", None),
        ("info=it+says+key%3DC%21&severity=WARN", "info=it+says+key%3D***&severity=WARN"),
        ("device=%7B%22key%22%3A%22C%22%7D", "device=%7B%22key%22%3A%22***%22%7D"),
        ("time=1;key=C", "time=1%3Bkey%3D***"),
        (f"{JWT}&a=1", "***&a=1"),
        ("flag&a=1", None),
        ("", None),
        ("&&=&", None),
        ("time=%ff&device=\udcff", None),
    ],
)
def test_a_refused_form_shows_what_means_something_and_numbers(given: str, left: str | None) -> None:
    assert masked_form(given, REFUSED) == (given if left is None else left)


def test_fields_of_formats_are_shown() -> None:
    rule = refused({"trailer", "session", "key"})
    assert masked_form("trailer=open&session=abc&key=C", rule) == "trailer=open&session=abc&key=***"
    assert shown('{"trailer":"0123456789abcdef0123456789"}', rule) == '{"trailer":"0123456789abcdef0123456789"}'


def test_an_accepted_form_keeps_the_vehicles_own_variables() -> None:
    assert masked_form("a=b&code=P0420&token=C", ACCEPTED) == "a=b&code=P0420&token=***"


def test_what_is_behind_the_variables_that_are_read_is_masked() -> None:
    form = "&".join(["time=1"] * VARIABLES_MAX + ["a=C", "b=D"])
    assert masked_form(form, ACCEPTED) == "&".join(["time=1"] * VARIABLES_MAX + [MASK])


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("/sigfox/uplink", None),
        ("/v3/sigfox/uplink/386625-DHT22", None),
        ("/sigfox/uplink/key/C/x", "/sigfox/uplink/key/***/x"),
        (f"/sigfox/{JWT}", "/sigfox/***"),
        ("/sigfox/QUJDREVGR0hJSktMTU5PUFFSU1RVVg1", "/sigfox/***"),
        ("/sigfox/uplink;key=C", "/sigfox/uplink;key=***"),
        ("//", None),
        ("*", None),
    ],
)
def test_a_path_shows_no_secret(path: str, left: str | None) -> None:
    assert masked_path(path, REFUSED) == (path if left is None else left)


PIECES = (
    *(
        "key",
        "token",
        "a",
        "1",
        "=",
        ":",
        '"',
        "'",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&",
        "%",
        "%3d",
        "%22",
        " ",
        "\n",
        ";",
    ),
    *(
        "<",
        ">",
        "://",
        "@",
        "\\u0022",
        "APA91",
        "Bearer ",
        "eyJabcdefgh",
        "evd_sigfox_",
        "-----BEGIN PRIVATE KEY-----",
        MASK,
    ),
)
texts = st.lists(st.sampled_from(PIECES), max_size=24).map("".join) | st.text(max_size=40)


@given(texts.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=60))
@example(b"\x00k\x00e\x00y\x00=\x001")
@example(b'"\\ud800key=x"')
def test_law_nothing_is_raised_and_what_was_masked_stays_so(data: bytes) -> None:
    for rule in (ACCEPTED, REFUSED):
        once = masked_bytes(data, rule)
        assert masked_bytes(once, rule) == once
        text = data.decode("utf-8", "surrogateescape")
        masked_form(text, rule)
        masked_path(text, rule)


@given(texts)
def test_law_the_cheap_look_sees_whatever_would_be_masked(text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")
    never_accepted = body.startswith(b"{")
    assert may_hold_secret(body) or masked_bytes(body, ACCEPTED) == body or never_accepted
    assert line_may_hold_secret(text) or masked(text) == text


@given(
    objects, st.sampled_from([*CERTAIN, *DOUBTFUL, *HARMLESS]), st.sampled_from([CANARY, "x" * 40, *SHAPES.values()])
)
def test_law_the_cheap_look_sees_whatever_would_be_masked_in_json(
    document: dict[str, Any], name: str, value: str
) -> None:
    body = json.dumps({**document, name: value}).encode()
    assert may_hold_secret(body) or masked_bytes(body, ACCEPTED) == body


def test_utf_16_hides_nothing_in_what_is_refused() -> None:
    for encoding in ("utf-16-le", "utf-16-be", "utf-16"):
        text = json.dumps({"device": "386625", "key": CANARY})
        assert CANARY not in masked_bytes(text.encode(encoding), REFUSED).decode(encoding)


def test_bytes_that_are_no_text_stay() -> None:
    assert masked_bytes(b'\xff\xfe{"key":"\xe9"}\x80', REFUSED) == b'\xff\xfe{"key":"***"}\x80'
