"""Sigfox's "custom payload config": a format's text is compiled to a Plan, flat numbers for a codec.

A format is a sequence of fields `name:index:type:parameter[:endianness][:bit offset]`, separated by white space. The
rules are those of Sigfox's callback help, "Custom message type decoding grammar" (github.com/scriptrdotio/sigfox,
README.md, reproduces it). Within a byte, bit 7 is the most significant. A field's bit offset is the position of its
most significant bit in its first byte, so it starts at bit `8 * index + 7 - offset` of the payload, counted from the
left from 0.

Whatever the help leaves undefined is refused when a format is loaded, so that no payload is decoded by a guess. A field
that is not wholly inside a payload is not an error: it decodes to null.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from evd.errors import FormatError
from evd.payload.field_options import NO_OPTIONS, FieldOptions, objection, raw_bits
from evd.payload.types import BIG_ENDIAN, HALF, LITTLE_ENDIAN, STEP_TYPES, TYPES, FieldStep, PayloadType

FORMAT_LENGTH_MAX = 8192
"""Characters of a format: enough for 96 one-bit fields with names of 64 characters, and few enough for a small plan."""

INDEX_MAX = 9999
"""The greatest byte index in a format: far beyond any payload, yet small enough to keep all numbers small."""

PAYLOAD_BYTES_MAX = 64
"""Bytes that a codec decodes. Sigfox sends at most 12; a vehicle on WLAN may send more in the same grammar."""

_NAME = re.compile(r"[A-Za-z0-9_#-]+")  # The help's BNF allows "#", its prose "-": both are allowed.
_SHAPE = "name:index:type:parameter[:endianness][:bit offset]"


@dataclass(frozen=True, slots=True)
class Field:
    """One field as people describe it: where it lies and how it is read."""

    name: str
    type: str
    start: int
    """Its first bit in the payload, counted from the left from 0."""
    bits: int
    endianness: str
    """`big-endian`, `little-endian`, or empty for bool and char, which have none."""
    options: FieldOptions
    position: int
    """Its place in the format's text, in characters from 0."""

    @property
    def end(self) -> int:
        """The bit after its last bit."""
        return self.start + self.bits

    @property
    def index(self) -> int:
        """The byte that holds its first bit."""
        return self.start // 8

    @property
    def offset(self) -> int:
        """The position of its first bit within that byte; 7 is the most significant."""
        return 7 - self.start % 8


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled format; immutable, so that it may be shared and cached."""

    text: str
    fields: tuple[Field, ...]
    steps: tuple[FieldStep, ...]
    """One step for each field, in the order of the text."""

    @property
    def length(self) -> int:
        """Bytes that a payload needs so that every field has a value."""
        return (max(field.end for field in self.fields) + 7) // 8


class _Part(NamedTuple):
    """A piece of a field between two colons, with its place in the format's text."""

    text: str
    position: int


class _Cursor:
    """The byte at which a field without an index starts.

    A field moves it past its last byte; a field with a written bit offset leaves it on its last byte, so that the next
    field can take the remaining bits. A bool reads the byte at the cursor without moving it, as Sigfox's backend does.
    """

    def __init__(self) -> None:
        self.byte = 0
        self.unclear_after = ""
        """The field after which Sigfox's help leaves the cursor undefined: a written bit offset, and no bit remains."""

    def pass_bit(self, byte: int) -> None:
        self.byte = byte
        self.unclear_after = ""

    def pass_field(self, field: Field, offset_written: bool) -> None:
        last = (field.end - 1) // 8
        self.byte = last if offset_written else last + 1
        self.unclear_after = field.name if offset_written and field.end % 8 == 0 else ""


def parse(text: str, options: Mapping[str, FieldOptions] | None = None) -> Plan:
    """Compile a format, with `options` by field name.

    Raises FormatError: one sentence naming the field, the position in the text, what was found and what is allowed.
    """
    if len(text) > FORMAT_LENGTH_MAX:
        raise FormatError(f"the format has {len(text)} characters; {FORMAT_LENGTH_MAX} at most are read")
    options = options or {}
    fields: dict[str, Field] = {}
    cursor = _Cursor()
    for token in re.finditer(r"\S+", text):
        field = _parse_field(list(_split(token.group(), token.start())), cursor, options)
        if field.name in fields:
            found = f"the name is taken by the field at position {fields[field.name].position}"
            raise _refused(field.name, field.position, found, "each name once")
        fields[field.name] = field
    if not fields:
        raise FormatError(f"the format is empty; write fields as {_SHAPE}, separated by spaces")
    for name in options:
        if name not in fields:
            known = get_close_matches(name, fields, n=1, cutoff=0.0)[0]
            sentence = f'options are given for "{name}", which is no field of the format; the nearest is "{known}"'
            raise FormatError(sentence, field=name)
    return Plan(text, tuple(fields.values()), tuple(_step(field) for field in fields.values()))


def _refused(field: str, position: int, found: str, allowed: str) -> FormatError:
    sentence = f'field "{field}" at position {position}: {found}; allowed: {allowed}'
    return FormatError(sentence, field=field, position=position)


def _split(token: str, position: int) -> Iterator[_Part]:
    for part in token.split(":"):
        yield _Part(part, position)
        position += len(part) + 1


def _found(part: _Part) -> str:
    """The part as an error sentence shows it: quoted and shortened."""
    return repr(part.text if len(part.text) <= 40 else part.text[:40] + "…") if part.text else "an empty part"


def _number(part: _Part, allowed: Collection[int]) -> int | None:
    """The decimal number of a part; None if it is none or not allowed. All allowed numbers have at most four digits."""
    if not re.fullmatch("[0-9]{1,4}", part.text):
        return None
    return int(part.text) if int(part.text) in allowed else None


def _parse_field(parts: list[_Part], cursor: _Cursor, options: Mapping[str, FieldOptions]) -> Field:
    name = parts[0]
    if not _NAME.fullmatch(name.text):
        raise _refused(name.text[:40], name.position, f"the name is {_found(name)}", "letters, digits, _, # and -")
    if len(parts) < 4:
        raise _refused(name.text, name.position, f"{len(parts)} of its parts are written", _SHAPE)
    _, index_part, type_part, parameter_part, *extras = parts
    rule = TYPES.get(type_part.text)
    if rule is None:
        raise _refused(name.text, type_part.position, f"the type is {_found(type_part)}", ", ".join(TYPES))
    byte = _index(name.text, index_part, cursor)
    parameter = _number(parameter_part, rule.parameters)
    if parameter is None:
        found = f"the parameter of {type_part.text} is {_found(parameter_part)}"
        raise _refused(name.text, parameter_part.position, found, rule.allowed + rule.hint)
    endianness, offset = _extras(name.text, type_part.text, rule, extras)

    is_bit = rule.bits_each == 0
    first_bit = parameter if is_bit else 7 if offset is None else offset
    bits = 1 if is_bit else parameter * rule.bits_each
    if endianness == LITTLE_ENDIAN and bits % 8:
        found = f"{LITTLE_ENDIAN} is written for {bits} bits"
        allowed = f"{LITTLE_ENDIAN} for a multiple of 8 bits, else {BIG_ENDIAN}"
        raise _refused(name.text, extras[0].position, found, allowed)
    chosen = options.get(name.text, NO_OPTIONS)
    field = Field(name.text, type_part.text, 8 * byte + 7 - first_bit, bits, endianness, chosen, name.position)
    _check_options(field)
    if is_bit:
        cursor.pass_bit(byte)
    else:
        cursor.pass_field(field, offset is not None)
    return field


def _index(name: str, part: _Part, cursor: _Cursor) -> int:
    """The byte in which a field starts: the written index, else the cursor."""
    if part.text:
        index = _number(part, range(INDEX_MAX + 1))
        if index is None:
            allowed = f"a byte index, 0 to {INDEX_MAX}, or nothing"
            raise _refused(name, part.position, f"the index is {_found(part)}", allowed)
        return index
    if cursor.unclear_after:
        # By the help's text this would read a byte of which no bit remains; what Sigfox does is not documented.
        before = f'"{cursor.unclear_after}", whose bit offset is written and which ends with its byte'
        found = f"the index is empty after {before}"
        raise _refused(name, part.position, found, f"the index written, {cursor.byte} or {cursor.byte + 1}")
    return cursor.byte


def _extras(name: str, type_name: str, rule: PayloadType, extras: list[_Part]) -> tuple[str, int | None]:
    """The endianness (empty if the type has none) and the bit offset (None if it is not written).

    The help makes both parts optional: `:big-endian:4`, `::3` and `:2` are all in use.
    """
    endianness = BIG_ENDIAN if rule.endianness else ""
    rest = extras
    if rule.endianness and rest and rest[0].text in (BIG_ENDIAN, LITTLE_ENDIAN):
        endianness, rest = rest[0].text, rest[1:]
    elif rule.endianness and len(rest) > 1 and not rest[0].text:
        rest = rest[1:]
    if not rest:
        return endianness, None
    offset = _number(rest[0], range(8)) if rule.offset and len(rest[0].text) == 1 else None
    if offset is None:
        found = f"{_found(rest[0])} follows the parameter of {type_name}"
        raise _refused(name, rest[0].position, found, rule.extras)
    if len(rest) > 1:
        raise _refused(name, rest[1].position, f"{_found(rest[1])} follows the bit offset", "nothing more")
    return endianness, offset


def _check_options(field: Field) -> None:
    """Raise FormatError for options that do not apply to the field."""
    refused = objection(field.options, field.type, field.bits)
    if refused is not None:
        raise _refused(field.name, field.position, refused.found, refused.allowed)


def _step(field: Field) -> FieldStep:
    options = field.options
    step = FieldStep(
        name=field.name,
        type=HALF if options.half else field.type,
        start=field.start,
        bits=field.bits,
        little=field.endianness == LITTLE_ENDIAN,
        scaled=options.scaled,
        scale=1.0 if options.scale is None else float(options.scale),
        offset=0.0 if options.offset is None else float(options.offset),
        names={int(key): text for key, text in options.enum.items()},
        none=tuple(raw for one in options.sentinels if (raw := raw_bits(one, field.type, field.bits)) is not None),
    )
    return bounded(step, options.min, options.max)


def bounded(step: FieldStep, low: float | None, high: float | None) -> FieldStep:
    """The step with plausible values from `low` to `high`; None, or a bound that no value can exceed, is no bound."""
    least, greatest = -math.inf, math.inf
    holds = STEP_TYPES[step.type].integers
    if holds is not None:
        least, greatest = sorted(end * step.scale + step.offset for end in holds(step.bits))
    return step._replace(
        low=-math.inf if low is None or low <= least else float(low),
        high=math.inf if high is None or high >= greatest else float(high),
    )
