"""Field options, which a grammar cannot express: half floats, scales, names, "no value", plausible values.

They are set beside the grammar's text, in `[formats.NAME.fields.FIELD]` or by
`evd format add --field FIELD.OPTION=VALUE`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from evd.payload.types import TYPES, names_of


class FieldOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the value of one field is interpreted: evd's one extension of the grammar, kept outside its text."""

    half: bool = False
    """The 16 bits of a `uint:16` are an IEEE 754 half float; NaN and the infinities become null."""
    scale: float | None = None
    """The value is `value * scale + offset`, a float. int, uint and float only."""
    offset: float | None = None
    unit: str = ""
    """Shown to people (`°C`, `km`). If it differs from the app's unit, the app's plausible range does not apply."""
    enum: Mapping[str, str] = {}
    """Integer (as text) → name, for int and uint without half, scale and offset. An unlisted integer stays a number."""
    none: int | float | list[int | float] = []
    """The number or numbers that mean "no value"; they become null. They are compared with what the payload holds:
    before scale and offset, and for a half float with its 16 bits. int, uint and float only."""
    min: float | None = None
    """The least plausible value, after scale and offset. A codec returns any value; evd.sigfox.decode_policy removes
    and flags implausible ones. int, uint and float without enum only."""
    max: float | None = None

    @property
    def scaled(self) -> bool:
        return self.scale is not None or self.offset is not None

    @property
    def sentinels(self) -> list[int | float]:
        """The numbers that mean "no value"."""
        return self.none if isinstance(self.none, list) else [self.none]


NO_OPTIONS = FieldOptions()


class Objection(NamedTuple):
    """Why an option does not apply to its field: what was found, and what is allowed."""

    found: str
    allowed: str


def objection(options: FieldOptions, type_name: str, bits: int) -> Objection | None:
    """The first error in the options of a field of this type and length; None if there is none."""
    for check in _CHECKS:
        refused = check(options, type_name, bits)
        if refused is not None:
            return refused
    return None


def raw_bits(number: int | float, type_name: str, bits: int) -> int | None:
    """The bits (an unsigned big-endian integer) by which a field of this type holds a number; None if it cannot."""
    raw = TYPES[type_name].raw
    return raw(number, bits) if raw is not None and math.isfinite(number) else None


def _check_half(options: FieldOptions, type_name: str, bits: int) -> Objection | None:
    return _misused("half", type_name, bits, "uint:16") if options.half and (type_name, bits) != ("uint", 16) else None


def _check_scale(options: FieldOptions, type_name: str, bits: int) -> Objection | None:
    if options.scaled and TYPES[type_name].raw is None:
        return _misused("scale and offset", type_name, bits, _OF_NUMBERS)
    for name in ("scale", "offset", "min", "max"):
        number = getattr(options, name)
        if number is not None and not math.isfinite(number):
            return Objection(f"its option {name} is {number}", "a finite number")
    return Objection("its option scale is 0", "any other number") if options.scale == 0 else None


def _check_none(options: FieldOptions, type_name: str, bits: int) -> Objection | None:
    if options.sentinels and TYPES[type_name].raw is None:
        return _misused("none", type_name, bits, _OF_NUMBERS)
    for number in options.sentinels:
        if raw_bits(number, type_name, bits) is None:
            return Objection(f"its option none holds {number}", _held(type_name, bits))
    return None


def _held(type_name: str, bits: int) -> str:
    """The numbers that a field can hold, in words."""
    holds = TYPES[type_name].integers
    if holds is None:
        return f"finite numbers of {bits} bits"
    low, high = holds(bits)
    return f"integers, {low} to {high}"


def _check_plausible(options: FieldOptions, type_name: str, bits: int) -> Objection | None:
    low, high = options.min, options.max
    if low is None and high is None:
        return None
    if TYPES[type_name].raw is None:
        return _misused("min and max", type_name, bits, _OF_NUMBERS)
    if options.enum:
        return Objection("its options min or max stand beside enum", "enum alone")
    if low is not None and high is not None and low > high:
        return Objection(f"its option min is {low:g} and its option max {high:g}", "a min that is not above max")
    return None


def _check_enum(options: FieldOptions, type_name: str, bits: int) -> Objection | None:
    if not options.enum:
        return None
    holds = TYPES[type_name].integers
    if holds is None:
        return _misused("enum", type_name, bits, _OF_INTEGERS)
    if options.half or options.scaled:
        return Objection("its option enum stands beside half, scale or offset", "enum alone")
    low, high = holds(bits)
    for key, text in options.enum.items():
        if not re.fullmatch("0|-?[1-9][0-9]{0,19}", key) or not low <= int(key) <= high:
            return Objection(f"its option enum has the key {key!r}", f"integers, {low} to {high}")
        if any("\ud800" <= character <= "\udfff" for character in text):
            return Objection(f"its option enum names {key} {text!r}", "text without lone surrogates")
        if int(key) in options.sentinels:
            return Objection(f"its options enum and none both hold {key}", "each number in one of them")
    return None


_OF_NUMBERS = names_of(lambda row: row.raw is not None)
_OF_INTEGERS = names_of(lambda row: row.integers is not None)
_CHECKS = (_check_half, _check_scale, _check_none, _check_plausible, _check_enum)


def _misused(option: str, type_name: str, bits: int, allowed: str) -> Objection:
    return Objection(f"its option {option} is given for {type_name} of {bits} bits", f"{option} for {allowed}")
