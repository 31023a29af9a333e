"""Downlinks: eight bytes of hex digits, or of fields in a message's grammar; and what an infoCode means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import BadRequest
from evd.payload.codec import Decoder
from evd.payload.grammar import parse
from evd.sigfox.downlinks import (
    ACKNOWLEDGED,
    FAILED,
    INFO_CODES,
    OFFERED,
    info_code,
    payload_of_fields,
    payload_of_hex,
)


@pytest.mark.parametrize("text", ["0102030405060708", "01 02 03 04 05 06 07 08"])
def test_hex_of_eight_bytes_is_a_payload(text: str) -> None:
    assert payload_of_hex(text) == bytes(range(1, 9))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the payload has 0 bytes, a downlink has exactly 8: write 16 hex digits"),
        ("01", "the payload has 1 byte, a downlink has exactly 8: write 16 hex digits"),
        ("010203040506070809", "the payload has 9 bytes, a downlink has exactly 8: write 16 hex digits"),
        ("0x02030405060708", "the payload '0x02030405060708' is no hex text: write 16 hex digits"),
        ("123", "the payload '123' is no hex text: write 16 hex digits"),
    ],
)
def test_other_hex_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(BadRequest) as caught:
        payload_of_hex(text)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("grammar", "fields", "expected"),
    [
        ("limit::uint:16", {"limit": 300}, "012c000000000000"),
        ("on::bool:7 limit:1:uint:8", {"on": True, "limit": 16}, "8010000000000000"),
        ("a::uint:32 b::uint:32", {"b": 1}, "0000000000000001"),
        ("indoor_temperature::uint:8", {"indoor_temp": 21}, "1500000000000000"),
        ("indoor_temp::uint:8", {"indoor_temp": 21}, "1500000000000000"),
        ("word::char:8", {"word": "go"}, "676f000000000000"),
    ],
)
def test_fields_are_written_in_the_grammar_of_messages_and_filled_up_with_zero_bytes(
    grammar: str, fields: dict[str, Any], expected: str
) -> None:
    assert payload_of_fields(parse(grammar), fields).hex() == expected


@pytest.mark.parametrize(
    ("grammar", "fields", "part"),
    [
        ("a::uint:8", {}, "no field has a value"),
        ("a::uint:64 b::uint:8", {"a": 1}, "the format needs 9 bytes, a downlink has 8"),
        ("a::uint:8", {"a": 256}, 'field "a": 256 does not fit; allowed: 0 to 255'),
        ("limit::uint:8", {"limits": 1}, '"limits" is no field of the format; the nearest is "limit"'),
    ],
)
def test_fields_that_do_not_fit_are_refused_with_a_sentence(grammar: str, fields: dict[str, Any], part: str) -> None:
    with pytest.raises(BadRequest) as caught:
        payload_of_fields(parse(grammar), fields)
    assert part in str(caught.value)


@given(st.integers(0, 2**20 - 1), st.integers(-(2**11), 2**11 - 1), st.booleans())
def test_a_payload_of_fields_decodes_to_them(number: int, signed: int, flag: bool) -> None:
    plan = parse("n:0:uint:20 s:2:int:12:big-endian:3 f:7:bool:0")
    wanted = {"n": number, "s": signed, "f": flag}
    assert Decoder(plan).decode(payload_of_fields(plan, wanted)) == wanted


def test_each_info_code_of_sigfox_leads_to_a_state_and_an_unknown_one_is_a_failure() -> None:
    assert {number: code.state for number, code in INFO_CODES.items()} == {
        0: ACKNOWLEDGED,
        5: OFFERED,
        **dict.fromkeys((1, 2, 3, 4, 6, 7, 8), FAILED),
    }
    assert info_code(5) is INFO_CODES[5]
    assert info_code(9) == ("code 9", "a code unknown to evd", FAILED)
