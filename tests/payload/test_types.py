"""The rows of the grammar's types: what they read they write again, and nothing that does not fit."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import CodecError
from evd.payload.types import (
    HALF,
    STEP_TYPES,
    TYPES,
    FieldStep,
    names_of,
    refused,
    signed_range,
    unscaled,
    unsigned_range,
)


def step(type_name: str, bits: int, **changes: Any) -> FieldStep:
    return FieldStep("a", type_name, 0, bits, False, False, 1.0, 0.0, {})._replace(**changes)


FIELDS = [(name, parameter * row.bits_each or 1) for name, row in STEP_TYPES.items() for parameter in row.parameters]
"""Type and bits of every field that the grammar allows."""


@given(st.sampled_from(FIELDS), st.data())
def test_law_what_a_type_reads_it_writes_again(field: tuple[str, int], data: st.DataObject) -> None:
    name, bits = field
    row = STEP_TYPES[name]
    raw = data.draw(st.integers(0, 2**bits - 1))
    value = row.read(raw, bits)
    if isinstance(value, float) and not math.isfinite(value):
        with pytest.raises(CodecError):
            row.write(step(name, bits), value)
    elif name == "char":
        text = value if isinstance(value, str) and value.isascii() else "A"
        assert row.read(row.write(step(name, bits), text), bits) == text
    else:
        assert row.write(step(name, bits), value) == raw
        if row.raw is not None and isinstance(value, int | float):
            assert row.raw(value, bits) == raw


@pytest.mark.parametrize(
    ("bits", "signed", "unsigned"),
    [(1, (-1, 0), (0, 1)), (8, (-128, 127), (0, 255)), (64, (-(2**63), 2**63 - 1), (0, 2**64 - 1))],
)
def test_the_ends_of_integers(bits: int, signed: tuple[int, int], unsigned: tuple[int, int]) -> None:
    assert signed_range(bits) == signed
    assert unsigned_range(bits) == unsigned
    for name, ends in (("int", signed_range(bits)), ("uint", unsigned_range(bits))):
        row = TYPES[name]
        assert [row.read(row.write(step(name, bits), end), bits) for end in ends] == list(ends)
        for beyond in (ends[0] - 1, ends[1] + 1):
            with pytest.raises(CodecError, match=f"allowed: {ends[0]} to {ends[1]}"):
                row.write(step(name, bits), beyond)


@pytest.mark.parametrize("value", [True, "1", None, math.nan, math.inf, [1]])
def test_what_is_no_finite_number_is_none_of_a_numbers_field(value: Any) -> None:
    with pytest.raises(CodecError, match=r'field "a": .* does not fit; allowed: some'):
        unscaled(step("uint", 8), value, "some")


def test_scale_and_offset_are_undone_and_too_large_an_integer_is_refused() -> None:
    scaled = step("uint", 8, scaled=True, scale=0.5, offset=-40.0)
    assert unscaled(scaled, -37.5, "") == 5.0
    with pytest.raises(CodecError, match="an integer of 1101 bits does not fit"):
        unscaled(scaled, 1 << 1100, "")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(2**127, str(2**127)[:39]), (2**128, "an integer of 129 bits"), ("x" * 38, f"'{'x' * 38}'"), ("x" * 99, "x…")],
)
def test_a_refusal_shows_the_value_within_bounds(value: object, shown: str) -> None:
    said = str(refused(step("uint", 8), value, "less"))
    assert shown in said and len(said) < 90


def test_types_are_named_in_words() -> None:
    assert names_of(lambda row: row.raw is not None) == "float, int and uint"
    assert names_of(lambda row: row.integers is not None) == "int and uint"
    assert names_of(lambda row: row.bits_each == 0) == "bool"
    assert HALF not in TYPES, "the grammar cannot express it"
