"""Apply a plan to a payload, in readable Python: the reference for `evd/_codec.pyx`, and its substitute if not built.

Both twins raise the errors that `hex_refused` and `payload_refused` make, so each text exists once.
"""

from __future__ import annotations

import binascii
import math
import string
from collections.abc import Sequence

import orjson

from evd.errors import CodecError
from evd.payload.grammar import PAYLOAD_BYTES_MAX, Plan
from evd.payload.types import STEP_TYPES, FieldStep, Value

TYPES = frozenset(STEP_TYPES)
"""The types that this codec decodes: all."""


def payload_refused(payload: object) -> Exception:
    """The error for a payload that cannot be decoded."""
    if not isinstance(payload, bytes):
        return TypeError(f"a payload is bytes, not {type(payload).__name__}")
    return CodecError(f"the payload has {len(payload)} bytes; {PAYLOAD_BYTES_MAX} at most are decoded")


def hex_refused(text: object) -> Exception:
    """The error for a text that is not a payload in hex."""
    if not isinstance(text, bytes | str):
        return TypeError(f"hex text is bytes or str, not {type(text).__name__}")
    digits = text.decode("latin-1") if isinstance(text, bytes) else text
    if len(digits) > 2 * PAYLOAD_BYTES_MAX:
        return CodecError(f"the payload has {len(digits)} hex digits; {2 * PAYLOAD_BYTES_MAX} at most are decoded")
    for position, character in enumerate(digits):
        if character not in string.hexdigits:
            return CodecError(f"the payload is no hex text: {character!a} at position {position} is no hex digit")
    return CodecError(f"the payload is no hex text: {len(digits)} digits are no whole number of bytes")


def unhex(text: bytes | str) -> bytes:
    """Convert hex digits of either case to bytes. Raises CodecError."""
    if not isinstance(text, bytes | str) or len(text) > 2 * PAYLOAD_BYTES_MAX:
        raise hex_refused(text)
    try:
        return binascii.unhexlify(text)
    except ValueError:
        raise hex_refused(text) from None


def _reversed_bytes(raw: int, bits: int) -> int:
    return int.from_bytes(raw.to_bytes(bits // 8, "big"), "little")


def _run(step: FieldStep, payload: int, size: int) -> Value:
    """Decode one field; `payload` is an unsigned integer of `size` bits."""
    below = size - step.start - step.bits
    if below < 0:
        return None
    raw = payload >> below & (1 << step.bits) - 1
    if step.little:
        raw = _reversed_bytes(raw, step.bits)
    if raw in step.none:
        return None
    value = STEP_TYPES[step.type].read(raw, step.bits)
    if step.names and isinstance(value, int):
        return step.names.get(value, value)
    if step.scaled and isinstance(value, int | float):
        value = float(value) * step.scale + step.offset
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_plausible(step: FieldStep, value: Value) -> bool:
    """Whether a value is plausible; only numbers can be implausible. Compared as doubles, as in the Cython twin."""
    return not isinstance(value, int | float) or step.low <= float(value) <= step.high


class Decoder:
    """Applies one plan to any number of payloads of at most PAYLOAD_BYTES_MAX bytes; may be shared between threads.

    Every method raises CodecError if the payload is longer, or if the text is not hex.
    """

    __slots__ = ("plan",)

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def decode(self, payload: bytes) -> dict[str, Value]:
        """The fields by name, in the order of the format."""
        if not isinstance(payload, bytes) or len(payload) > PAYLOAD_BYTES_MAX:
            raise payload_refused(payload)
        number = int.from_bytes(payload, "big")
        size = 8 * len(payload)
        return {step.name: _run(step, number, size) for step in self.plan.steps}

    def decode_hex(self, text: bytes | str) -> dict[str, Value]:
        """As `decode`, for a payload in hex digits of either case."""
        return self.decode(unhex(text))

    def json(self, payload: bytes) -> bytes:
        """As `decode`, with the result as a compact JSON object."""
        return orjson.dumps(self.decode(payload))

    def json_hex(self, text: bytes | str) -> bytes:
        """As `decode_hex`, with the result as a compact JSON object."""
        return orjson.dumps(self.decode_hex(text))

    def plausible_json(self, payload: bytes) -> bytes | None:
        """As `json`; None if a value is implausible for its field (FieldOptions.min and max)."""
        fields = self.decode(payload)
        if all(_is_plausible(step, fields[step.name]) for step in self.plan.steps):
            return orjson.dumps(fields)
        return None

    def decode_many(self, payloads: Sequence[bytes]) -> list[dict[str, Value]]:
        return [self.decode(payload) for payload in payloads]

    def json_many(self, payloads: Sequence[bytes]) -> list[bytes]:
        return [self.json(payload) for payload in payloads]

    def json_hex_many(self, texts: Sequence[bytes | str]) -> list[bytes]:
        return [self.json_hex(text) for text in texts]
