"""Encode field values as a payload, as a vehicle would send it or as a downlink: the inverse of a codec.

A missing field leaves zero bits. None is encoded as the field's number for "no value", or as zero bits if it has none.
Fields that share bits are written in the order of the format and must agree on them, so that every payload decodes to
the values that were asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from evd.errors import CodecError
from evd.payload.grammar import Plan
from evd.payload.types import STEP_TYPES, refused


class Encoder:
    """Encodes payloads by one plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.length = plan.length
        """Bytes of every payload: enough for all fields, so more than Sigfox's 12 if the format is longer."""

    def encode(self, fields: Mapping[str, object]) -> bytes:
        """The payload with these values, given as a decoder returns them (scaled; names instead of integers).

        Raises CodecError, naming the field, its value and what fits, or naming an unknown field.
        """
        size = 8 * self.length
        payload = written = 0
        for step in self._plan.steps:
            value = fields.get(step.name)
            if value is None and not (step.none and step.name in fields):
                continue
            raw = step.none[0] if value is None else STEP_TYPES[step.type].write(step, value)
            if value is not None and raw in step.none:
                raise refused(step, value, "any number but those that are no value")
            if step.little:
                raw = int.from_bytes(raw.to_bytes(step.bits // 8, "big"), "little")
            below = size - step.start - step.bits
            mask = (1 << step.bits) - 1 << below
            if (payload ^ raw << below) & mask & written:
                raise refused(step, value, "what agrees with the fields before it, whose bits it shares")
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
