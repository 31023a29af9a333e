"""The inverse of a codec: field values become a payload, as a vehicle would send it or as a downlink.

Fields that are missing leave zero bits; None is the field's number for "no value", and zero bits where it has none.
Fields that share bits are written in the order of the format and must agree on them: a payload that decodes to
something else than was asked for is never made.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from difflib import get_close_matches

from evd.errors import CodecError
from evd.payload.grammar import FieldStep, Op, Plan


def _refused(step: FieldStep, value: object, allowed: str) -> CodecError:
    if isinstance(value, int) and value.bit_length() > 128:
        shown = f"an integer of {value.bit_length()} bits"
    else:
        shown = repr(value)
        shown = shown if len(shown) <= 40 else shown[:40] + "…"
    return CodecError(f'field "{step.name}": {shown} does not fit; allowed: {allowed}')


def _number(step: FieldStep, value: object, allowed: str) -> int | float:
    """A finite number that is no bool, with scale and offset undone."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(step, value, allowed)
    try:
        number = (float(value) - step.offset) / step.scale if step.scaled else value
        if math.isfinite(number):
            return number
    except OverflowError:  # an int that is no float
        pass
    raise _refused(step, value, allowed)


def _integer(step: FieldStep, value: object) -> int:
    """Scaled values are rounded to the nearest integer, half to even; others must be whole."""
    signed = step.op == Op.INT
    low, high = (-(1 << step.bits - 1), (1 << step.bits - 1) - 1) if signed else (0, (1 << step.bits) - 1)
    allowed = f"{low} to {high}"
    if step.scaled:
        ends = sorted((low * step.scale + step.offset, high * step.scale + step.offset))
        allowed = f"{ends[0]} to {ends[1]}"
    if step.names:
        allowed = f"{', '.join(step.names.values())}, or {allowed}"
        for named, name in step.names.items():
            if value == name:
                return named & (1 << step.bits) - 1
    number = _number(step, value, allowed)
    whole = round(number)
    if (whole != number and not step.scaled) or not low <= whole <= high:
        raise _refused(step, value, allowed)
    return whole & (1 << step.bits) - 1


def _floating(step: FieldStep, value: object, code: str, limit: str) -> int:
    """Rounded to the nearest, ties to even, as `struct` does."""
    number = _number(step, value, limit)
    try:
        return int.from_bytes(struct.pack(code, float(number)), "big")
    except OverflowError:
        raise _refused(step, value, limit) from None


def _half(step: FieldStep, value: object) -> int:
    return _floating(step, value, ">e", "-65504 to 65504, before scale and offset")


def _float(step: FieldStep, value: object) -> int:
    if step.bits == 32:
        return _floating(step, value, ">f", "-3.4028235e38 to 3.4028235e38, before scale and offset")
    return _floating(step, value, ">d", "finite numbers")


def _bool(step: FieldStep, value: object) -> int:
    if not isinstance(value, int) or value not in (0, 1):
        raise _refused(step, value, "true and false")
    return int(value)


def _char(step: FieldStep, value: object) -> int:
    size = step.bits // 8
    if not isinstance(value, str) or not value.isascii() or "\0" in value or len(value) > size:
        raise _refused(step, value, f"ASCII text of at most {size} characters, without NUL")
    return int.from_bytes(value.encode("ascii").ljust(size, b"\0"), "big")


_WRITERS: dict[int, Callable[[FieldStep, object], int]] = {
    Op.UINT: _integer,
    Op.INT: _integer,
    Op.HALF: _half,
    Op.BOOL: _bool,
    Op.FLOAT: _float,
    Op.CHAR: _char,
}


class Encoder:
    """Makes payloads of one plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.length = plan.length
        """Bytes of every payload made: enough for every field, so more than Sigfox's 12 where the format says so."""

    def encode(self, fields: Mapping[str, object]) -> bytes:
        """The payload with these values, as a decoder gives them (scaled, names of integers).

        Raises CodecError naming the field, its value and what fits, or for a name that is no field.
        """
        size = 8 * self.length
        payload = written = 0
        for step in self._plan.steps:
            value = fields.get(step.name)
            if value is None and not (step.none and step.name in fields):
                continue
            raw = step.none[0] if value is None else _WRITERS[step.op](step, value)
            if value is not None and raw in step.none:
                raise _refused(step, value, "any number but those that are no value")
            if step.little:
                raw = int.from_bytes(raw.to_bytes(step.bits // 8, "big"), "little")
            below = size - step.start - step.bits
            mask = (1 << step.bits) - 1 << below
            if (payload ^ raw << below) & mask & written:
                raise _refused(step, value, "what agrees with the fields before it, whose bits it shares")
            payload |= raw << below
            written |= mask
        self._refuse_unknown(fields)
        return payload.to_bytes(self.length, "big")

    def _refuse_unknown(self, fields: Mapping[str, object]) -> None:
        known = [step.name for step in self._plan.steps]
        for name in fields:
            if name not in known:
                nearest = get_close_matches(name, known, n=1, cutoff=0.0)[0]
                raise CodecError(f'"{name[:40]}" is no field of the format; the nearest is "{nearest}"')
