"""The options of a field: what they mean for which type, and how the others are refused."""

from __future__ import annotations

import math

import msgspec
import pytest

from evd.errors import FormatError
from evd.payload.field_options import NO_OPTIONS, objection, raw_bits
from evd.payload.grammar import FieldOptions, parse


@pytest.mark.parametrize(
    ("text", "options", "found"),
    [
        ("a::uint:8", FieldOptions(half=True), "option half is given for uint of 8 bits; allowed: half for uint:16"),
        ("a::int:16", FieldOptions(half=True), "option half is given for int of 16 bits; allowed: half for uint:16"),
        ("a::bool:7", FieldOptions(scale=2), "option scale and offset is given for bool"),
        ("a::char:2", FieldOptions(offset=1), "option scale and offset is given for char"),
        ("a::uint:8", FieldOptions(scale=0), "option scale is 0"),
        ("a::uint:8", FieldOptions(scale=math.inf), "option scale is inf; allowed: a finite number"),
        ("a::uint:8", FieldOptions(offset=math.nan), "option offset is nan; allowed: a finite number"),
        ("a::float:32", FieldOptions(enum={"1": "x"}), "option enum is given for float of 32 bits"),
        ("a::uint:8", FieldOptions(enum={"1": "x"}, scale=2), "enum alone"),
        ("a::uint:16", FieldOptions(enum={"1": "x"}, half=True), "enum alone"),
        ("a::uint:8", FieldOptions(enum={"256": "x"}), "key '256'; allowed: integers, 0 to 255"),
        ("a::int:8", FieldOptions(enum={"-129": "x"}), "key '-129'; allowed: integers, -128 to 127"),
        ("a::uint:8", FieldOptions(enum={"01": "x"}), "key '01'"),
        ("a::uint:8", FieldOptions(enum={"one": "x"}), "key 'one'"),
        ("a::uint:8", FieldOptions(enum={"1": "\ud800"}), "lone surrogates"),
        (
            "a::bool:7",
            FieldOptions(none=1),
            "option none is given for bool of 1 bits; allowed: none for float, int",
        ),
        ("a::char:2", FieldOptions(none=0), "option none is given for char of 16 bits"),
        ("a::int:16", FieldOptions(none=-32769), "option none holds -32769; allowed: integers, -32768 to 32767"),
        ("a::uint:8", FieldOptions(none=[255, 256]), "option none holds 256; allowed: integers, 0 to 255"),
        ("a::uint:8", FieldOptions(none=1.5), "option none holds 1.5; allowed: integers, 0 to 255"),
        ("a::uint:8", FieldOptions(none=math.nan), "option none holds nan"),
        ("a::float:32", FieldOptions(none=1e39), "option none holds 1e+39; allowed: finite numbers of 32 bits"),
        ("a::uint:16", FieldOptions(none=-1, half=True), "option none holds -1; allowed: integers, 0 to 65535"),
        ("a::uint:8", FieldOptions(none=1, enum={"1": "x"}), "options enum and none both hold 1"),
        ("a::bool:7", FieldOptions(min=0), "option min and max is given for bool"),
        ("a::char:2", FieldOptions(max=0), "option min and max is given for char"),
        ("a::uint:8", FieldOptions(max=1, enum={"1": "x"}), "options min or max stand beside enum"),
        ("a::uint:8", FieldOptions(min=math.nan), "option min is nan; allowed: a finite number"),
        ("a::uint:8", FieldOptions(max=math.inf), "option max is inf; allowed: a finite number"),
        ("a::uint:8", FieldOptions(min=2, max=1.5), "option min is 2 and its option max 1.5; allowed: a min"),
    ],
)
def test_options_that_mean_nothing_for_a_field_are_refused(text: str, options: FieldOptions, found: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse(text, {"a": options})
    assert found in str(caught.value)
    assert caught.value.field == "a"


def test_field_options_come_from_json_and_refuse_unknown_keys() -> None:
    read = msgspec.json.decode(b'{"scale":0.1,"enum":{"1":"on"},"unit":"V"}', type=FieldOptions)
    assert read == FieldOptions(scale=0.1, enum={"1": "on"}, unit="V")
    for none, sentinels in ((b"-32768", [-32768]), (b"[127,255]", [127, 255]), (b"-999.5", [-999.5]), (b"[]", [])):
        assert msgspec.json.decode(b'{"none":%b}' % none, type=FieldOptions).sentinels == sentinels
    with pytest.raises(msgspec.ValidationError, match="factor"):
        msgspec.json.decode(b'{"factor":0.1}', type=FieldOptions)


@pytest.mark.parametrize(
    ("options", "type_name", "bits"),
    [
        (NO_OPTIONS, "bool", 1),
        (FieldOptions(unit="V"), "char", 16),
        (FieldOptions(half=True, scale=2.0, offset=-1.0, none=0x7E00), "uint", 16),
        (FieldOptions(enum={"-128": "a", "0": "b", "127": ""}, none=1), "int", 8),
        (FieldOptions(min=1.5, max=1.5, none=[-1.5, 2]), "float", 32),
    ],
)
def test_options_that_fit_their_field_are_taken(options: FieldOptions, type_name: str, bits: int) -> None:
    assert objection(options, type_name, bits) is None


@pytest.mark.parametrize(
    ("number", "type_name", "bits", "raw"),
    [
        (255, "uint", 8, 0xFF),
        (256, "uint", 8, None),
        (-1, "uint", 8, None),
        (5.0, "uint", 8, 5),
        (5.5, "uint", 8, None),
        (-1, "int", 8, 0xFF),
        (-128, "int", 8, 0x80),
        (-129, "int", 8, None),
        (128, "int", 8, None),
        (1.5, "float", 32, 0x3FC00000),
        (1e39, "float", 32, None),
        (math.nan, "float", 64, None),
        (math.inf, "uint", 8, None),
        (1, "bool", 1, None),
        (1, "char", 8, None),
    ],
)
def test_a_number_has_the_bits_that_a_field_holds_it_by_or_none(
    number: float, type_name: str, bits: int, raw: int | None
) -> None:
    assert raw_bits(number, type_name, bits) == raw
