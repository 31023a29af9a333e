"""Values to payload: each type's inverse, and how what does not fit is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from evd.errors import CodecError
from evd.payload.codec import Decoder
from evd.payload.encoder import Encoder
from evd.payload.grammar import FieldOptions, parse

EV = (
    "state:0:uint:3:big-endian:7 current_charge:0:uint:7:big-endian:4 target_charge:1:uint:7:big-endian:5 "
    "current:2:uint:10:big-endian:6 elapsed_time:3:uint:13:big-endian:4 remain_time:5:uint:13:big-endian:7 "
    "range:6:uint:11:big-endian:2 elec_consumption:8:uint:16:big-endian:7 indoor_temp:10:uint:16:big-endian:7"
)
HALF = FieldOptions(half=True)
NAMED = FieldOptions(enum={"0": "off", "1": "charging", "-1": "none"})


def test_the_ev_frame_is_made_bit_for_bit() -> None:
    plan = parse(EV, {"elec_consumption": HALF, "indoor_temp": HALF})
    payload = bytes.fromhex("130a4c0f594e427e4bb45088")
    assert Encoder(plan).encode(Decoder(plan).decode(payload)) == payload
    assert Encoder(plan).length == 12


@pytest.mark.parametrize(
    ("text", "options", "value", "payload"),
    [
        ("a::uint:12", {}, 0xABC, "abc0"),
        ("a::uint:4::3", {}, 5, "05"),
        ("a::int:12:big-endian:3", {}, -2048, "0800"),
        ("a::uint:64:0", {}, 2**64 - 1, "01fffffffffffffffe"),
        ("a::uint:16:little-endian", {}, 0x1234, "3412"),
        ("a::uint:16:little-endian:3", {}, 0x1234, "034120"),
        ("a::uint:8", {}, 5.0, "05"),
        ("a:1:bool:6", {}, True, "0040"),
        ("a::bool:6", {}, False, "00"),
        ("a::bool:6", {}, 1, "40"),
        ("a::float:32", {}, 1.5, "3fc00000"),
        ("a::float:64:little-endian", {}, 0.1, "9a9999999999b93f"),
        ("a::float:32", {}, 1, "3f800000"),
        ("a::char:4", {}, "AB", "41420000"),
        ("a::char:2:3", {}, "AB", "041420"),
        ("a::uint:16", {"a": HALF}, 36.25, "5088"),
        ("a::uint:16", {"a": HALF}, 2049, "6800"),  # a tie between 2048 and 2050: to the even one
        ("a::uint:16", {"a": HALF}, 2051, "6802"),  # a tie between 2050 and 2052: to the even one
        ("a::uint:16", {"a": HALF}, 65519, "7bff"),  # nearer to the greatest half than to infinity
        ("a::uint:16", {"a": FieldOptions(half=True, scale=2, offset=1)}, 4.0, "3e00"),
        ("a::uint:8", {"a": FieldOptions(scale=0.5, offset=-40)}, -37.5, "05"),
        ("a::uint:8", {"a": FieldOptions(scale=0.5, offset=-40)}, -37.4, "05"),  # to the nearest step
        ("a::int:8", {"a": NAMED}, "charging", "01"),
        ("a::int:8", {"a": NAMED}, "none", "ff"),
        ("a::int:8", {"a": NAMED}, 7, "07"),
        ("a::uint:8 b::uint:8", {}, None, "0000"),
        ("a::int:16", {"a": FieldOptions(scale=0.1, none=-32768)}, None, "8000"),
        ("a::int:16:little-endian", {"a": FieldOptions(none=[0x7FFF, -1])}, None, "ff7f"),
        ("a::float:32", {"a": FieldOptions(none=-999.5)}, None, "c479e000"),
        ("a::uint:16", {"a": FieldOptions(half=True, none=0xFFFF)}, None, "ffff"),
        ("a::uint:8", {"a": FieldOptions(min=0, max=100)}, 200, "c8"),  # what is not plausible can be sent all the same
    ],
)
def test_a_value_becomes_bits(text: str, options: dict[str, FieldOptions], value: object, payload: str) -> None:
    assert Encoder(parse(text, options)).encode({"a": value}).hex() == payload


def test_missing_fields_leave_zero_bits() -> None:
    assert Encoder(parse("a::uint:8 b::uint:8 c::bool:7")).encode({"b": 255}) == b"\x00\xff\x00"
    assert Encoder(parse("a::uint:8")).encode({}) == b"\x00"


@pytest.mark.parametrize(
    ("text", "options", "value", "sentence"),
    [
        ("a::uint:10", {}, 1024, 'field "a": 1024 does not fit; allowed: 0 to 1023'),
        ("a::uint:10", {}, -1, "-1 does not fit; allowed: 0 to 1023"),
        ("a::int:12", {}, 2048, "2048 does not fit; allowed: -2048 to 2047"),
        ("a::uint:8", {}, 3.5, "3.5 does not fit; allowed: 0 to 255"),
        ("a::uint:8", {}, True, "True does not fit; allowed: 0 to 255"),
        ("a::uint:8", {}, "3", "'3' does not fit; allowed: 0 to 255"),
        ("a::uint:8", {}, math.nan, "nan does not fit"),
        ("a::uint:8", {}, 1 << 20000, "an integer of 20001 bits does not fit"),
        ("a::bool:3", {}, 2, "2 does not fit; allowed: true and false"),
        ("a::bool:3", {}, "true", "'true' does not fit; allowed: true and false"),
        ("a::float:32", {}, 1e39, "1e+39 does not fit; allowed: -3.4028235e38 to 3.4028235e38"),
        ("a::float:64", {}, math.inf, "inf does not fit; allowed: finite numbers"),
        ("a::float:64", {}, 1 << 2000, "does not fit; allowed: finite numbers"),
        ("a::char:2", {}, "ABC", "'ABC' does not fit; allowed: ASCII text of at most 2 characters"),
        ("a::char:2", {}, "é", "'é' does not fit; allowed: ASCII"),
        ("a::char:2", {}, "\0", "without NUL"),
        ("a::char:2", {}, 5, "5 does not fit; allowed: ASCII"),
        ("a::uint:16", {"a": HALF}, 65520, "65520 does not fit; allowed: -65504 to 65504"),
        ("a::uint:16", {"a": HALF}, math.nan, "nan does not fit; allowed: -65504 to 65504"),
        ("a::uint:8", {"a": FieldOptions(scale=0.5, offset=-40)}, 90, "90 does not fit; allowed: -40.0 to 87.5"),
        ("a::uint:8", {"a": FieldOptions(scale=-1.0)}, 1, "1 does not fit; allowed: -255.0 to 0.0"),
        ("a::int:16", {"a": FieldOptions(scale=0.5, none=-2)}, -1, "-1 does not fit; allowed: any number but"),
        ("a::uint:8", {"a": FieldOptions(none=[254, 255])}, 255, "255 does not fit; allowed: any number but"),
        ("a::int:8", {"a": NAMED}, "idle", "'idle' does not fit; allowed: off, charging, none, or -128 to 127"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_that_does_not_fit_is_refused_with_field_value_and_range(
    text: str, options: dict[str, FieldOptions], value: Any, sentence: str
) -> None:
    with pytest.raises(CodecError) as caught:
        Encoder(parse(text, options)).encode({"a": value})
    assert str(caught.value).startswith('field "a": ')
    assert sentence in str(caught.value)


def test_fields_that_share_bits_must_agree() -> None:
    encoder = Encoder(parse("flags:0:uint:8 top:0:bool:7 low:0:uint:4::3"))
    assert encoder.encode({"flags": 0x85, "top": True, "low": 5}) == b"\x85"
    assert encoder.encode({"top": True, "low": 5}) == b"\x85"
    with pytest.raises(
        CodecError, match='field "top": False does not fit; allowed: what agrees with the fields before it'
    ):
        encoder.encode({"flags": 0x85, "top": False})


def test_a_name_that_is_no_field_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        CodecError, match='"indoor_temperature" is no field of the format; the nearest is "indoor_temp"'
    ):
        Encoder(parse(EV)).encode({"indoor_temperature": 20})
