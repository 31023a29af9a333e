"""The grammar's types, one row each: the parameters of a field, how its bits become a value, and the inverse.

A new type is a new row of TYPES with its two functions. Grammar, field options, encoder and the Python codec take
everything from the row. `evd/_codec.pyx` decodes the types in its own table natively; a format with any other type is
decoded by the Python codec (evd.payload.codec), so a type is complete without code in C.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import NamedTuple

from evd.errors import CodecError

Value = bool | int | float | str | None
"""A decoded field; None if it is not wholly inside the payload, holds a number of the option `none`, or is not a finite
number."""

BIG_ENDIAN = "big-endian"
LITTLE_ENDIAN = "little-endian"


class FieldStep(NamedTuple):
    """One field as a codec decodes it."""

    name: str
    type: str
    """A key of TYPES, or HALF."""
    start: int
    bits: int
    little: bool
    """Whether the bytes of its bits are in reverse order."""
    scaled: bool
    scale: float
    offset: float
    names: Mapping[int, str]
    """Names of integers; empty for most fields."""
    none: tuple[int, ...] = ()
    """The numbers that mean "no value", each as its bits (an unsigned big-endian integer); empty for most fields."""
    low: float = -math.inf
    """Values below it, or above `high`, are implausible; infinite if no value of the field can be."""
    high: float = math.inf


class PayloadType(NamedTuple):
    """The parameters that a type of the grammar allows, and how a codec reads and writes it."""

    parameters: Collection[int]
    allowed: str
    """The allowed parameters in words, for error sentences."""
    bits_each: int
    """Bits for one unit of the parameter; 0 if the parameter is a bit number."""
    read: Callable[[int, int], Value]
    """(A field's bits as an unsigned big-endian integer, their number) → its value, before scale and names."""
    write: Callable[[FieldStep, object], int]
    """A value → the bits from which `read` returns it. Raises CodecError, made by `refused`, if it does not fit."""
    endianness: bool = False
    """Whether `big-endian` or `little-endian` may be written."""
    offset: bool = False
    """Whether a bit offset may be written."""
    extras: str = "nothing more"
    """What may follow the parameter, in words, for error sentences."""
    hint: str = ""
    """Appended if the parameter is refused: how to write what was probably meant."""
    raw: Callable[[int | float, int], int | None] | None = None
    """(A finite number, the field's bits) → the bits that hold it, None if none do. Without it the values are not
    numbers, so that the options scale, offset, none, min and max do not apply."""
    integers: Callable[[int], tuple[int, int]] | None = None
    """The field's bits → its least and greatest integer. Without it the values are not integers, so that the option
    enum does not apply."""


def refused(step: FieldStep, value: object, allowed: str) -> CodecError:
    """The error for a value that does not fit."""
    if isinstance(value, int) and value.bit_length() > 128:
        shown = f"an integer of {value.bit_length()} bits"
    else:
        shown = repr(value)
        shown = shown if len(shown) <= 40 else shown[:40] + "…"
    return CodecError(f'field "{step.name}": {shown} does not fit; allowed: {allowed}')


def unscaled(step: FieldStep, value: object, allowed: str) -> int | float:
    """The value, which must be a finite number and no bool, with scale and offset undone. Raises CodecError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(step, value, allowed)
    try:
        number = (float(value) - step.offset) / step.scale if step.scaled else value
        if math.isfinite(number):
            return number
    except OverflowError:  # an int beyond the range of a float
        pass
    raise refused(step, value, allowed)


# int, uint


def signed_range(bits: int) -> tuple[int, int]:
    return -(1 << bits - 1), (1 << bits - 1) - 1


def unsigned_range(bits: int) -> tuple[int, int]:
    return 0, (1 << bits) - 1


def _read_unsigned(raw: int, bits: int) -> int:
    return raw


def _read_signed(raw: int, bits: int) -> int:
    """Two's complement in the field's own bits."""
    return raw - (1 << bits) if raw >> bits - 1 else raw


def _raw_integer(holds: Callable[[int], tuple[int, int]], number: int | float, bits: int) -> int | None:
    low, high = holds(bits)
    return int(number) & (1 << bits) - 1 if low <= number <= high and number == int(number) else None


def _write_integer(holds: Callable[[int], tuple[int, int]], step: FieldStep, value: object) -> int:
    """Round a scaled value to the nearest integer, half to even; a value without a scale must be whole."""
    low, high = holds(step.bits)
    allowed = f"{low} to {high}"
    if step.scaled:
        ends = sorted((low * step.scale + step.offset, high * step.scale + step.offset))
        allowed = f"{ends[0]} to {ends[1]}"
    if step.names:
        allowed = f"{', '.join(step.names.values())}, or {allowed}"
        for named, name in step.names.items():
            if value == name:
                return named & (1 << step.bits) - 1
    number = unscaled(step, value, allowed)
    whole = round(number)
    if (whole != number and not step.scaled) or not low <= whole <= high:
        raise refused(step, value, allowed)
    return whole & (1 << step.bits) - 1


# float, and the half float that a uint:16 may hold

_CODES = {16: ">e", 32: ">f", 64: ">d"}
_LIMITS = {
    16: "-65504 to 65504, before scale and offset",
    32: "-3.4028235e38 to 3.4028235e38, before scale and offset",
    64: "finite numbers",
}


def _read_float(raw: int, bits: int) -> float:
    value: float = struct.unpack(_CODES[bits], raw.to_bytes(bits // 8, "big"))[0]
    return value


def _raw_float(number: int | float, bits: int) -> int | None:
    """Rounded to nearest, ties to even, as `struct` does."""
    try:
        return int.from_bytes(struct.pack(_CODES[bits], float(number)), "big")
    except OverflowError:
        return None


def _write_float(step: FieldStep, value: object) -> int:
    raw = _raw_float(unscaled(step, value, _LIMITS[step.bits]), step.bits)
    if raw is None:
        raise refused(step, value, _LIMITS[step.bits])
    return raw


# bool, char


def _read_bool(raw: int, bits: int) -> bool:
    return bool(raw)


def _write_bool(step: FieldStep, value: object) -> int:
    if not isinstance(value, int) or value not in (0, 1):
        raise refused(step, value, "true and false")
    return int(value)


def _read_char(raw: int, bits: int) -> str:
    """ASCII, with U+FFFD for any other byte and without NULs: they are padding, and JSON readers in C stop at them."""
    return raw.to_bytes(bits // 8, "big").replace(b"\0", b"").decode("ascii", "replace")


def _write_char(step: FieldStep, value: object) -> int:
    size = step.bits // 8
    if not isinstance(value, str) or not value.isascii() or "\0" in value or len(value) > size:
        raise refused(step, value, f"ASCII text of at most {size} characters, without NUL")
    return int.from_bytes(value.encode("ascii").ljust(size, b"\0"), "big")


_OFFSET = "a bit offset, 0 to 7"
_BOTH = f"{BIG_ENDIAN} or {LITTLE_ENDIAN}, then {_OFFSET}"
_HALF_HINT = "; a float of 16 bits is a uint:16 with the option half (--half NAME, --field NAME.half=true)"


def _integer_type(read: Callable[[int, int], int], holds: Callable[[int], tuple[int, int]]) -> PayloadType:
    return PayloadType(
        parameters=range(1, 65),
        allowed="1 to 64 bits",
        bits_each=1,
        endianness=True,
        offset=True,
        extras=_BOTH,
        read=read,
        write=partial(_write_integer, holds),
        raw=partial(_raw_integer, holds),
        integers=holds,
    )


#: Name in the grammar → type.
TYPES: Mapping[str, PayloadType] = {
    "bool": PayloadType(range(8), "a bit, 0 to 7", 0, _read_bool, _write_bool),
    "char": PayloadType(range(1, 13), "1 to 12 bytes", 8, _read_char, _write_char, offset=True, extras=_OFFSET),
    "float": PayloadType(
        parameters=(32, 64),
        allowed="32 or 64 bits",
        bits_each=1,
        endianness=True,
        offset=True,
        extras=_BOTH,
        hint=_HALF_HINT,
        read=_read_float,
        write=_write_float,
        raw=_raw_float,
    ),
    "int": _integer_type(_read_signed, signed_range),
    "uint": _integer_type(_read_unsigned, unsigned_range),
}

HALF = "half"
"""The type of a uint:16 with the option half; the grammar itself cannot express it."""

STEP_TYPES: Mapping[str, PayloadType] = {
    **TYPES,
    HALF: PayloadType((16,), "16 bits", 1, _read_float, _write_float, raw=_raw_float),
}
"""FieldStep.type → type."""


def names_of(belongs: Callable[[PayloadType], bool]) -> str:
    """The names of the grammar's types that satisfy `belongs`, as words."""
    *others, last = (name for name, row in TYPES.items() if belongs(row))
    return f"{', '.join(others)} and {last}" if others else last
