"""The grammar as a specification: what a format may say, and how each thing it may not say is refused."""

from __future__ import annotations

import dataclasses
import math

import pytest

from evd.errors import FormatError
from evd.payload.grammar import FORMAT_LENGTH_MAX, Field, FieldOptions, parse
from evd.payload.types import HALF

EV = (
    "state:0:uint:3:big-endian:7 current_charge:0:uint:7:big-endian:4 target_charge:1:uint:7:big-endian:5 "
    "current:2:uint:10:big-endian:6 elapsed_time:3:uint:13:big-endian:4 remain_time:5:uint:13:big-endian:7 "
    "range:6:uint:11:big-endian:2 elec_consumption:8:uint:16:big-endian:7 indoor_temp:10:uint:16:big-endian:7"
)


def only(text: str) -> Field:
    (field,) = parse(text).fields
    return field


def starts(text: str) -> list[int]:
    return [field.start for field in parse(text).fields]


def test_the_ev_format_lies_as_its_firmware_packs_it() -> None:
    layout = [(field.start, field.bits) for field in parse(EV).fields]
    assert layout == [(0, 3), (3, 7), (10, 7), (17, 10), (27, 13), (40, 13), (53, 11), (64, 16), (80, 16)]
    assert parse(EV).length == 12


@pytest.mark.parametrize(
    ("text", "start", "bits", "endianness"),
    [
        ("a::uint:7:big-endian:4", 3, 7, "big-endian"),
        ("a::uint:4::3", 4, 4, "big-endian"),
        ("a::uint:32:2", 5, 32, "big-endian"),
        ("a::uint:32", 0, 32, "big-endian"),
        ("a::uint:1", 0, 1, "big-endian"),
        ("a::uint:64:0", 7, 64, "big-endian"),
        ("a:3:int:16:little-endian", 24, 16, "little-endian"),
        ("a:3:int:16:little-endian:6", 25, 16, "little-endian"),
        ("a::int:8:little-endian", 0, 8, "little-endian"),
        ("a:1:float:32", 8, 32, "big-endian"),
        ("a::float:64:little-endian:3", 4, 64, "little-endian"),
        ("a::char:12", 0, 96, ""),
        ("a:1:char:2:3", 12, 16, ""),
        ("a:2:bool:0", 23, 1, ""),
        ("a::bool:7", 0, 1, ""),
        ("a:07:uint:08", 56, 8, "big-endian"),
        ("a:12:uint:8", 96, 8, "big-endian"),
        ("a:9999:uint:8", 79992, 8, "big-endian"),
    ],
)
def test_a_field_lies_where_its_text_says(text: str, start: int, bits: int, endianness: str) -> None:
    field = only(text)
    assert (field.start, field.bits, field.endianness) == (start, bits, endianness)
    assert field.end == start + bits
    assert 8 * field.index + 7 - field.offset == start


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a::uint:8 b::uint:8", [0, 8]),
        ("a::uint:4 b::uint:4", [0, 8]),  # a part of a byte uses the whole byte
        ("a::uint:12 b::uint:8", [0, 16]),
        ("a::char:6 b::uint:16 c::float:32", [0, 48, 64]),
        ("a::uint:4:7 b::uint:4::3", [0, 4]),  # with a bit offset, the next field takes the remaining bits
        ("a::uint:7:big-endian:7 b::uint:4:0 c::uint:8", [0, 7, 8]),
        ("a::uint:12::7 b::uint:4::3", [0, 12]),
        ("a:1:uint:16 b::uint:8", [8, 24]),  # an explicit index moves the cursor
        ("a:5:uint:8 b:0:uint:8 c::uint:8", [40, 0, 8]),
        ("a:0:uint:8 b:0:uint:8", [0, 0]),
        ("a::bool:7 b::bool:6 c::uint:8", [0, 1, 0]),  # a bool reads the byte at the cursor and leaves it
        ("lux::uint:16:little-endian isBright::bool:7", [0, 16]),
        ("s4::uint:16 b::bool:0 c::uint:8 d::uint:8", [0, 23, 16, 24]),
        ("a:3:bool:7 b::uint:8", [24, 24]),
        ("a::uint:3:7 b::bool:4", [0, 3]),
        ("a::uint:8:7 b:1:uint:8 c::uint:8", [0, 8, 16]),  # unclear only for the field that leaves its index out
    ],
)
def test_an_empty_index_follows_the_cursor(text: str, expected: list[int]) -> None:
    assert starts(text) == expected


def test_any_run_of_white_space_separates_fields() -> None:
    assert parse(" \n a::uint:8 \t\r\n  b::uint:8  ").steps == parse("a::uint:8 b::uint:8").steps


def test_names_take_every_character_of_either_edition_of_the_help() -> None:
    assert only("_aZ#-09::uint:8").name == "_aZ#-09"


REFUSED = [
    # text, field, position, what was found, what is allowed
    ("é::uint:8", "é", 0, "'é'", "letters, digits, _, # and -"),
    ("a.b::uint:8", "a.b", 0, "'a.b'", "letters"),
    ("::uint:8", "", 0, "empty", "letters"),
    ("ok::uint:8 temp", "temp", 11, "1 of its parts", "name:index:type:parameter"),
    ("temp:0:uint", "temp", 0, "3 of its parts", "name:index:type:parameter"),
    ("ok::uint:8 temp:1:sint:8", "temp", 18, "'sint'", "bool, char, float, int, uint"),
    ("a::UINT:8", "a", 3, "'UINT'", "uint"),
    ("a:::8", "a", 3, "empty", "uint"),
    ("a:x:uint:8", "a", 2, "'x'", "0 to 9999"),
    ("a:-1:uint:8", "a", 2, "'-1'", "0 to 9999"),
    ("a:10000:uint:8", "a", 2, "'10000'", "0 to 9999"),
    ("a:" + "9" * 5000 + ":uint:8", "a", 2, "'" + "9" * 40 + "…'", "0 to 9999"),
    ("a:٣:uint:8", "a", 2, "'٣'", "0 to 9999"),
    ("a:1.0:uint:8", "a", 2, "'1.0'", "0 to 9999"),
    ("a::uint:0", "a", 8, "'0'", "1 to 64 bits"),
    ("a::uint:65", "a", 8, "'65'", "1 to 64 bits"),
    ("a::int:65", "a", 7, "'65'", "1 to 64 bits"),
    ("a::int:", "a", 7, "empty", "1 to 64 bits"),
    ("a::uint:8b", "a", 8, "'8b'", "1 to 64 bits"),
    ("a::float:16", "a", 9, "'16'", "32 or 64 bits"),
    ("a::char:0", "a", 8, "'0'", "1 to 12 bytes"),
    ("a::char:13", "a", 8, "'13'", "1 to 12 bytes"),
    ("a::bool:8", "a", 8, "'8'", "a bit, 0 to 7"),
    ("a::bool:7:big-endian", "a", 10, "'big-endian'", "nothing more"),
    ("a::bool:7:4", "a", 10, "'4'", "nothing more"),
    ("a::bool:7:", "a", 10, "empty", "nothing more"),
    ("a::char:4:big-endian", "a", 10, "'big-endian'", "a bit offset, 0 to 7"),
    ("a::char:4::3", "a", 10, "empty", "a bit offset, 0 to 7"),
    ("a::uint:16:middle-endian", "a", 11, "'middle-endian'", "big-endian or little-endian"),
    ("a::uint:16:big-endian:8", "a", 22, "'8'", "a bit offset, 0 to 7"),
    ("a::uint:16:big-endian:07", "a", 22, "'07'", "a bit offset, 0 to 7"),
    ("a::uint:16:big-endian:", "a", 22, "empty", "a bit offset, 0 to 7"),
    ("a::uint:16:", "a", 11, "empty", "big-endian or little-endian"),
    ("a::uint:16::", "a", 12, "empty", "a bit offset, 0 to 7"),
    ("a::uint:16:2:big-endian", "a", 13, "'big-endian'", "nothing more"),
    ("a::uint:16:/100", "a", 11, "'/100'", "a bit offset, 0 to 7"),
    ("temp:0:int:12:big-endian:3:/100", "temp", 27, "'/100'", "nothing more"),
    ("a::uint:12:little-endian", "a", 11, "little-endian is written for 12 bits", "a multiple of 8 bits"),
    ("a::uint:4:little-endian:3", "a", 10, "little-endian is written for 4 bits", "a multiple of 8 bits"),
    ("a::uint:8 b::int:8 a::bool:0", "a", 19, "taken by the field at position 0", "each name once"),
    ("a::uint:8:7 b::uint:8", "b", 14, 'empty after "a"', "0 or 1"),
    ("a::uint:4:3 b::bool:7", "b", 14, 'empty after "a"', "0 or 1"),
    ("a::uint:12::3 b::char:1", "b", 16, 'empty after "a"', "1 or 2"),
]


@pytest.mark.parametrize(("text", "field", "position", "found", "allowed"), REFUSED, ids=lambda value: str(value)[:24])
def test_a_refusal_names_field_position_finding_and_remedy(
    text: str, field: str, position: int, found: str, allowed: str
) -> None:
    with pytest.raises(FormatError) as caught:
        parse(text)
    message = str(caught.value)
    assert (caught.value.field, caught.value.position) == (field, position)
    assert message.startswith(f'field "{field}" at position {position}: ')
    assert found in message.partition("; allowed: ")[0]
    assert allowed in message.partition("; allowed: ")[2]
    assert "\n" not in message


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_an_empty_format_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="the format is empty; write fields as name:index"):
        parse(text)


def test_a_format_has_a_bounded_length() -> None:
    field = "a::uint:8"
    assert parse(field.ljust(FORMAT_LENGTH_MAX)).length == 1
    with pytest.raises(FormatError, match=f"{FORMAT_LENGTH_MAX + 1} characters; {FORMAT_LENGTH_MAX} at most"):
        parse(field.ljust(FORMAT_LENGTH_MAX + 1))


def test_options_reach_the_step_of_their_field() -> None:
    options = {
        "h": FieldOptions(half=True),
        "s": FieldOptions(scale=0.5, offset=-40, unit="°C"),
        "e": FieldOptions(enum={"-1": "none", "0": "idle"}),
    }
    half, scaled, named = parse("h::uint:16 s::uint:8 e::int:8", options).steps
    assert half.type == HALF
    assert (scaled.type, scaled.scaled, scaled.scale, scaled.offset) == ("uint", True, 0.5, -40.0)
    assert named.names == {-1: "none", 0: "idle"}


@pytest.mark.parametrize(
    ("text", "options", "low", "high"),
    [
        ("a::uint:7", FieldOptions(min=0, max=100), -math.inf, 100),
        ("a::uint:10", FieldOptions(min=-10, max=2000), -math.inf, math.inf),
        ("a::int:8", FieldOptions(min=-128, max=126), -math.inf, 126),
        ("a::uint:8", FieldOptions(min=-41, max=87, scale=0.5, offset=-40), -math.inf, 87),
        ("a::uint:8", FieldOptions(min=-254, max=0, scale=-1.0), -254, math.inf),
        ("a::uint:16", FieldOptions(min=-100, max=150, half=True), -100, 150),
        ("a::float:32", FieldOptions(max=1), -math.inf, 1),
    ],
)
def test_bounds_that_no_value_of_a_field_can_pass_are_none(
    text: str, options: FieldOptions, low: float, high: float
) -> None:
    (step,) = parse(text, {"a": options}).steps
    assert (step.low, step.high) == (low, high)


def test_the_refusal_of_a_float_of_16_bits_says_how_it_is_written() -> None:
    """Published as a custom payload config (field-cases D17)."""
    with pytest.raises(FormatError) as caught:
        parse("cislo1::float:16 cislo2::uint:16")
    assert str(caught.value) == (
        "field \"cislo1\" at position 14: the parameter of float is '16'; allowed: 32 or 64 bits; a float of 16 bits "
        "is a uint:16 with the option half (--half NAME, --field NAME.half=true)"
    )


def test_options_for_no_field_are_refused_with_the_nearest_name() -> None:
    with pytest.raises(FormatError, match=r'options are given for "indoor_temperature".*the nearest is "indoor_temp"'):
        parse(EV, {"indoor_temperature": FieldOptions(half=True)})


def test_a_plan_cannot_be_changed() -> None:
    plan = parse("a::uint:8")
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.text = "b::uint:8"  # type: ignore[misc]
