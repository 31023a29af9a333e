"""A format as people see it: the bits of its fields, the options that were given, what no message holds."""

from __future__ import annotations

from evd.payload.field_options import FieldOptions
from evd.payload.grammar import parse
from evd.payload.layout import layout, warnings

GRAMMAR = "id:0:uint:4:big-endian:7 on:0:bool:0 temp:1:int:16:little-endian"


def test_each_field_has_its_bits_and_the_options_that_were_given() -> None:
    found = layout(parse(GRAMMAR, {"temp": FieldOptions(scale=0.1, unit="°C")}), carried=12)
    assert found["bytes"] == 3 and "warnings" not in found
    places = {one["name"]: (one["first_bit"], one["last_bit"], one["bits"]) for one in found["fields"]}
    assert places == {"id": (0, 3, 4), "on": (7, 7, 1), "temp": (8, 23, 16)}
    *_, temp = found["fields"]
    assert temp["options"] == {"scale": 0.1, "unit": "°C"} and temp["endianness"] == "little-endian"
    assert found["fields"][1]["endianness"] is None and "options" not in found["fields"][0]


def test_a_field_that_no_message_holds_is_warned_of() -> None:
    plan = parse(GRAMMAR)
    assert warnings(plan, carried=3) == []
    assert warnings(plan, carried=2)[0].startswith("field temp lies behind byte 2")
    assert layout(plan, carried=0)["warnings"][0].startswith("fields id, on, temp lie behind byte 0")
