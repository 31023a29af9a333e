"""Laws over random plans: the twins agree, JSON is orjson's, layout follows the bit rule, encoding inverts decoding."""

from __future__ import annotations

import math
import os
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evd import _codec
from evd.errors import CodecError, FormatError
from evd.payload import _codec_py
from evd.payload.encoder import Encoder
from evd.payload.grammar import Field, FieldOptions, Plan, parse

PAYLOADS = st.binary(max_size=16)
ENUM_TEXTS = st.text('aé\u2028😀"\\\n\x01', max_size=8)
EXAMPLES = int(os.environ.get("EXAMPLES", 100))
"""Of each law; `make nightly` has more."""
# A busy machine disproves nothing.
LAW = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def extras(draw: st.DrawFn, bits: int) -> str:
    """`:endianness:offset` in each of its spellings."""
    endianness = draw(st.sampled_from(["", "big-endian", *(["little-endian"] if bits % 8 == 0 else [])]))
    offset = draw(st.sampled_from(["", *"01234567"]))
    if endianness:
        return f":{endianness}:{offset}" if offset else f":{endianness}"
    return draw(st.sampled_from([f":{offset}", f"::{offset}"])) if offset else ""


@st.composite
def tails(draw: st.DrawFn) -> str:
    """`type:parameter…` of any type."""
    kind = draw(st.sampled_from(["uint", "uint", "uint", "int", "float", "bool", "char"]))
    if kind == "bool":
        return f"bool:{draw(st.integers(0, 7))}"
    if kind == "char":
        return f"char:{draw(st.integers(1, 12))}{draw(st.sampled_from(['', ':0', ':3', ':7']))}"
    bits = draw(st.sampled_from([32, 64]) if kind == "float" else st.one_of(st.just(16), st.integers(1, 64)))
    return f"{kind}:{bits}{draw(extras(bits))}"


NUMBERS = st.one_of(st.floats(-1e6, 1e6).filter(bool), st.floats(allow_nan=False, allow_infinity=False).filter(bool))


@st.composite
def options_of(draw: st.DrawFn, field: Field) -> FieldOptions:
    kinds = ["none"]
    if field.type in ("int", "uint"):
        kinds += ["enum", "scale"]
    if field.type == "float":
        kinds += ["scale"]
    if field.type == "uint" and field.bits == 16:
        kinds += ["half", "half", "half scale"]
    kind = draw(st.sampled_from(kinds))
    low, high = (-1, 0) if field.type == "int" else (0, 1)
    numeric = field.type in ("int", "uint", "float")
    none = draw(st.lists(st.integers(low, high), max_size=2)) if numeric else []
    if kind == "enum":
        named = [number for number in range(low, high + 1) if number not in none]
        return FieldOptions(enum={str(number): draw(ENUM_TEXTS) for number in named}, none=none)
    ends = sorted(draw(st.tuples(NUMBERS, NUMBERS)))
    return FieldOptions(
        half="half" in kind,
        scale=draw(NUMBERS) if "scale" in kind else None,
        offset=draw(st.none() | NUMBERS) if "scale" in kind else None,
        none=none,
        min=draw(st.sampled_from([None, ends[0]])) if numeric else None,
        max=draw(st.sampled_from([None, ends[1]])) if numeric else None,
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    parts = []
    for number in range(draw(st.integers(1, 10))):
        index = draw(st.sampled_from(["", *map(str, range(15))]))
        parts.append((f"{'n' * draw(st.integers(1, 40))}{number}", index, draw(tails())))
    space = draw(st.sampled_from([" ", "  ", "\n"]))
    try:
        plan = parse(space.join(":".join(part) for part in parts))
    except FormatError as error:  # an index left out where the cursor is unclear
        assert "the index is empty after" in str(error)
        plan = parse(space.join(f"{name}:{index or 3}:{tail}" for name, index, tail in parts))
    return parse(plan.text, {field.name: draw(options_of(field)) for field in plan.fields})


def same(left: Any, right: Any) -> bool:
    """Equal in value, type and sign of zero."""
    return repr(left) == repr(right)


@LAW
@given(plans(), PAYLOADS)
def test_the_twins_decode_alike_and_their_json_is_orjsons(plan: Plan, payload: bytes) -> None:
    python, cython = _codec_py.Decoder(plan), _codec.Decoder(plan)
    fields = python.decode(payload)
    assert same(cython.decode(payload), fields)
    assert same(cython.decode_hex(payload.hex()), fields)
    assert cython.json(payload) == python.json(payload) == orjson.dumps(fields)
    assert cython.json_hex(payload.hex().upper()) == orjson.dumps(fields)
    assert cython.json_many([payload, b""]) == python.json_many([payload, b""])
    assert cython.plausible_json(payload) == python.plausible_json(payload)
    assert cython.plausible_json(payload) in (None, orjson.dumps(fields))


@LAW
@given(st.one_of(st.text(max_size=140), st.binary(max_size=140), st.text("0123456789abcdefABCDEF", max_size=140)))
def test_the_twins_read_or_refuse_hex_text_alike(text: str | bytes) -> None:
    plan = parse("a::uint:8 b::char:12")

    def outcome(decoder: _codec.Decoder | _codec_py.Decoder) -> str:
        try:
            return repr(decoder.decode_hex(text))
        except CodecError as error:
            return f"refused: {error}"

    assert outcome(_codec.Decoder(plan)) == outcome(_codec_py.Decoder(plan))


@LAW
@given(st.floats(allow_nan=False))
def test_any_double_is_written_as_orjson_writes_it(value: float) -> None:
    plan = parse("a::float:64")
    expected = orjson.dumps({"a": value if math.isfinite(value) else None})
    assert _codec.Decoder(plan).json(Encoder(plan).encode({"a": value}) if math.isfinite(value) else b"") == expected


@LAW
@given(plans(), PAYLOADS)
def test_an_integer_is_the_bits_from_its_start_counted_from_the_left(plan: Plan, payload: bytes) -> None:
    """The rule of the Sigfox help, on a string of 0 and 1: no arithmetic shared with either twin."""
    bits = "".join(f"{byte:08b}" for byte in payload)
    fields = _codec.Decoder(plan).decode(payload)
    for field in plan.fields:
        mine = bits[field.start : field.end]
        if len(mine) < field.bits:
            assert fields[field.name] is None
        elif field.type == "uint" and field.endianness == "big-endian" and field.options == FieldOptions():
            assert fields[field.name] == int(mine, 2)


@LAW
@given(st.text(max_size=60) | st.text("ab:uintboolchar0128 -_#/", max_size=40))
def test_any_text_is_a_plan_or_a_format_error_within_it(text: str) -> None:
    try:
        assert parse(text).fields
    except FormatError as error:
        assert error.position is None or 0 <= error.position <= len(text)
        assert "\n" not in str(error)


def encodable(plan: Plan, fields: dict[str, Any]) -> dict[str, Any]:
    """The values an encoder must give back: no two share bits, none has lost a byte, none is scaled (see below)."""
    chosen: dict[str, Any] = {}
    taken: set[int] = set()
    for field, step in zip(plan.fields, plan.steps, strict=True):
        bits = set(range(field.start, field.end))
        replaced = field.type == "char" and "\ufffd" in str(fields[field.name])
        if fields[field.name] is not None and not (bits & taken or replaced or step.scaled):
            chosen[field.name] = fields[field.name]
            taken |= bits
    return chosen


@LAW
@given(plans(), st.binary(min_size=24, max_size=24))
def test_what_was_encoded_decodes_to_the_same(plan: Plan, payload: bytes) -> None:
    decoder = _codec.Decoder(plan)
    values = encodable(plan, decoder.decode(payload))
    again = decoder.decode(Encoder(plan).encode(values))
    assert same({name: again[name] for name in values}, values)


@LAW
@given(
    st.integers(1, 32), st.booleans(), st.floats(0.001, 1000), st.floats(-1e4, 1e4), st.binary(min_size=4, max_size=4)
)
def test_a_scaled_integer_comes_back_exactly(bits: int, signed: bool, scale: float, offset: float, raw: bytes) -> None:
    kind = "int" if signed else "uint"
    plan = parse(f"a::{kind}:{bits}", {"a": FieldOptions(scale=scale, offset=offset)})
    fields = _codec.Decoder(plan).decode(raw)
    assert _codec.Decoder(plan).decode(Encoder(plan).encode(fields)) == fields
