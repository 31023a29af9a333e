"""What a plan decodes to: one set of expectations, run on both twins."""

from __future__ import annotations

import importlib
import math
import struct
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from evd.errors import CodecError, ConfigError
from evd.payload import codec
from evd.payload._codec_py import Decoder
from evd.payload.grammar import PAYLOAD_BYTES_MAX, FieldOptions, parse

Make = Callable[..., Decoder]

EV = (
    "state:0:uint:3:big-endian:7 current_charge:0:uint:7:big-endian:4 target_charge:1:uint:7:big-endian:5 "
    "current:2:uint:10:big-endian:6 elapsed_time:3:uint:13:big-endian:4 remain_time:5:uint:13:big-endian:7 "
    "range:6:uint:11:big-endian:2 elec_consumption:8:uint:16:big-endian:7 indoor_temp:10:uint:16:big-endian:7"
)
HALF = FieldOptions(half=True)
SIXTH = "str::char:6 i1::uint:16 i2::uint:32:2"
EIGHT_BOOLS = " ".join(f"b{bit}::bool:{bit}" for bit in range(8))
MODULES = {"python": "evd.payload._codec_py", "cython": "evd._codec"}


@pytest.fixture(params=["python", "cython"])
def make(request: pytest.FixtureRequest) -> Make:
    """Builds a twin's decoder from a format and the options of its fields."""
    twin = importlib.import_module(MODULES[request.param]).Decoder

    def build(text: str, **options: FieldOptions) -> Decoder:
        decoder: Decoder = twin(parse(text, options))
        return decoder

    return build


# ---- what the sources state ----

STATED = [
    # Sigfox callback help, its six examples. The sixth prints 0x167890A for a field that overruns the payload; see
    # test_the_helps_sixth_example.
    ("int1::uint:8 int2::uint:8", "1234", {"int1": 0x12, "int2": 0x34}),
    ("b1::bool:7 b2::bool:6 i1:1:uint:16", "C01234", {"b1": True, "b2": True, "i1": 0x1234}),
    ("b1::bool:7 b2::bool:6 i1:1:uint:16:little-endian", "801234", {"b1": True, "b2": False, "i1": 0x3412}),
    (
        "b1::bool:7 b2::bool:6 i1:1:uint:16:little-endian i2::uint:8",
        "80123456",
        {"b1": True, "b2": False, "i1": 0x3412, "i2": 0x56},
    ),
    (
        "str::char:6 i1::uint:16 i2::uint:32",
        "41424344454601234567890A",
        {"str": "ABCDEF", "i1": 0x123, "i2": 0x4567890A},
    ),
    # Kyocera: two bytes of light, then a flag in the byte after them; the low nibble of a byte.
    ("lux::uint:16:little-endian isBright::bool:7", "2c0180", {"lux": 300, "isBright": True}),
    ("lux::uint:16:little-endian isBright::bool:7", "2c0100", {"lux": 300, "isBright": False}),
    ("high::uint:4 low:0:uint:4::3", "a5", {"high": 10, "low": 5}),
    # Sigfox's backend 10.8.1 on TECA's water meter: eight bools consume nothing.
    (
        f"s4:8:uint:16 {EIGHT_BOOLS} SumBoles::uint:8 bat::uint:8",
        "0000fa000000000000000026",
        {"s4": 0} | {f"b{bit}": False for bit in range(8)} | {"SumBoles": 0, "bat": 38},
    ),
]


@pytest.mark.parametrize(("text", "payload", "fields"), STATED, ids=lambda value: str(value)[:24])
def test_what_the_sources_state(make: Make, text: str, payload: str, fields: dict[str, Any]) -> None:
    assert make(text).decode_hex(payload) == fields


def test_the_helps_sixth_example(make: Make) -> None:
    """Its last field has 27 bits left of the 32 it asks for: null, not the help's misprint."""
    assert make(SIXTH).decode_hex("41424344454601234567890A") == {"str": "ABCDEF", "i1": 0x123, "i2": None}


def test_the_ev_frame(make: Make) -> None:
    decoder = make(EV, elec_consumption=HALF, indoor_temp=HALF)
    fields = decoder.decode_hex("130a4c0f594e427e4bb45088")
    assert fields == {
        "state": 0,
        "current_charge": 76,
        "target_charge": 20,
        "current": 608,
        "elapsed_time": 3929,
        "remain_time": 2504,
        "range": 638,
        "elec_consumption": 15.40625,
        "indoor_temp": 36.25,
    }
    assert list(fields) == [field.name for field in decoder.plan.fields]


def test_without_options_a_half_is_the_integer_sigfox_gives(make: Make) -> None:
    fields = make(EV).decode_hex("130a4c0f594e427e4bb45088")
    assert (fields["elec_consumption"], fields["indoor_temp"]) == (19380, 20616)


# ---- reading ----

VALUES = [
    ("a::int:1", "80", -1),
    ("a::int:8", "80", -128),
    ("a::int:12:big-endian:3", "0fff", -1),
    ("a::int:12:big-endian:3", "0800", -2048),
    ("a::int:12:big-endian:3", "07ff", 2047),
    ("a::int:64", "8000000000000000", -(2**63)),
    ("a::int:64", "7fffffffffffffff", 2**63 - 1),
    ("a::uint:64", "ffffffffffffffff", 2**64 - 1),
    ("a::uint:64:0", "01fffffffffffffffe", 2**64 - 1),  # nine bytes
    ("a::uint:64:3", "0123456789abcdef01", 0x123456789ABCDEF0),
    ("a::uint:1::0", "01", 1),
    ("a::uint:16:little-endian", "3412", 0x1234),
    ("a::uint:24:little-endian", "563412", 0x123456),
    ("a::int:16:little-endian", "00ff", -256),
    ("a::uint:16:little-endian:3", "034120", 0x1234),  # the 16 bits 3412, then turned
    ("a::uint:64:little-endian", "0100000000000000", 1),
    ("a::uint:8:little-endian", "12", 0x12),
    ("a::bool:0", "01", True),
    ("a:1:bool:7", "007f", False),
    ("a::float:32", "3fc00000", 1.5),
    ("a::float:32:little-endian", "0000c03f", 1.5),
    ("a::float:32", "3dcccccd", struct.unpack(">f", bytes.fromhex("3dcccccd"))[0]),
    ("a::float:64", "3fb999999999999a", 0.1),
    ("a::float:64:3", "03fb999999999999a0", 0.1),
    ("a::float:32", "7fc00000", None),
    ("a::float:32", "ff800000", None),
    ("a::float:64", "7ff0000000000000", None),
    ("a::float:64", "fff8000000000001", None),
    ("a::char:4", "41424344", "ABCD"),
    ("a::char:4:3", "0414243440", "ABCD"),
    ("a::char:4", "41004200", "AB"),
    ("a::char:2", "0000", ""),
    ("a::char:3", "41ff42", "A\ufffdB"),
    ("a::char:2", "c3a9", "\ufffd\ufffd"),
    ("a::char:12", "00010809" + "0a0b0c0d" + "1f225c7f", '\x01\b\t\n\x0b\f\r\x1f"\\\x7f'),
]


@pytest.mark.parametrize(("text", "payload", "value"), VALUES)
def test_a_value(make: Make, text: str, payload: str, value: object) -> None:
    decoder = make(text)
    assert decoder.decode_hex(payload) == {"a": value}
    assert decoder.json_hex(payload) == orjson.dumps({"a": value})


@pytest.mark.parametrize("offset", range(8))
def test_every_length_is_read_at_every_bit_offset(make: Make, offset: int) -> None:
    payload = bytes.fromhex("a53cf00f8118e7c399")
    bits = "".join(f"{byte:08b}" for byte in payload)[7 - offset :]
    for length in range(1, 65):
        fields = make(f"u::uint:{length}:{offset} i:0:int:{length}:{offset}").decode(payload)
        unsigned = int(bits[:length], 2)
        assert fields == {"u": unsigned, "i": unsigned - (int(bits[0]) << length)}


@pytest.mark.parametrize(
    "text", ["a::uint:12", "a::int:9:big-endian:0", "a::char:2", "a::float:32", "a:1:bool:7", "a:64:uint:1"]
)
def test_a_field_not_wholly_inside_the_payload_is_null(make: Make, text: str) -> None:
    decoder = make(text)
    assert decoder.decode(b"\xff") == {"a": None}
    assert decoder.json(b"\xff") == b'{"a":null}'
    assert decoder.decode(b"") == {"a": None}


def test_every_truncation_nulls_exactly_the_fields_it_cuts(make: Make) -> None:
    decoder = make(EV)
    payload = bytes.fromhex("130a4c0f594e427e4bb45088")
    whole = decoder.decode(payload)
    for size in range(13):
        fields = decoder.decode(payload[:size])
        assert fields == {f.name: whole[f.name] if f.end <= 8 * size else None for f in decoder.plan.fields}


def test_a_surplus_of_payload_is_ignored(make: Make) -> None:
    assert make("a::uint:8").decode(b"\x05" + bytes(PAYLOAD_BYTES_MAX - 1)) == {"a": 5}


# ---- options ----


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        ("0000", 0.0),
        ("8000", -0.0),
        ("0001", 2.0**-24),
        ("03ff", 1023 * 2.0**-24),
        ("0400", 2.0**-14),
        ("7bff", 65504.0),
        ("fbff", -65504.0),
        ("3555", 0.333251953125),
        ("7c00", None),
        ("fc00", None),
        ("7e00", None),
    ],
)
def test_a_half_float(make: Make, payload: str, value: float | None) -> None:
    decoded = make("a::uint:16", a=HALF).decode_hex(payload)["a"]
    assert decoded == value
    if isinstance(value, float):
        assert isinstance(decoded, float)
        assert math.copysign(1, decoded) == math.copysign(1, value)


def test_every_half_float_is_written_as_orjson_writes_it(make: Make) -> None:
    decoder = make("a::uint:16:little-endian", a=HALF)
    for raw in range(1 << 16):
        (value,) = struct.unpack("<e", raw.to_bytes(2, "little"))
        assert decoder.json(raw.to_bytes(2, "little")) == orjson.dumps({"a": value})


@pytest.mark.parametrize(
    ("text", "options", "payload", "value"),
    [
        ("a::uint:8", FieldOptions(scale=0.5), "05", 2.5),
        ("a::uint:8", FieldOptions(offset=-40), "05", -35.0),
        ("a::uint:8", FieldOptions(scale=0.1, offset=1), "03", 3 * 0.1 + 1),
        ("a::int:8", FieldOptions(scale=-2.0), "ff", 2.0),
        ("a::uint:64", FieldOptions(scale=1.0), "ffffffffffffffff", 2.0**64),
        ("a::float:32", FieldOptions(scale=2.0), "3fc00000", 3.0),
        ("a::float:64", FieldOptions(scale=10.0), "7fefffffffffffff", None),
        ("a::float:32", FieldOptions(scale=2.0), "7fc00000", None),
        ("a::uint:16", FieldOptions(half=True, scale=2.0, offset=1), "3e00", 4.0),
        ("a::uint:16", FieldOptions(half=True, scale=2.0), "7c00", None),
        ("a::uint:8", FieldOptions(enum={"1": "charging", "2": 'i"dle', "3": "é\u2028"}), "01", "charging"),
        ("a::uint:8", FieldOptions(enum={"1": "charging", "2": 'i"dle', "3": "é\u2028"}), "02", 'i"dle'),
        ("a::uint:8", FieldOptions(enum={"1": "charging", "2": 'i"dle', "3": "é\u2028"}), "03", "é\u2028"),
        ("a::uint:8", FieldOptions(enum={"1": "charging"}), "07", 7),
        ("a::int:8", FieldOptions(enum={"-1": "none"}), "ff", "none"),
        ("a::uint:8", FieldOptions(enum={"255": "none"}), "ff", "none"),
        ("a::uint:64", FieldOptions(enum={"18446744073709551615": "none"}), "f" * 16, "none"),
        ("a::uint:8", FieldOptions(enum={"1": "x" * 3000}), "01", "x" * 3000),  # JSON longer than the stack buffer
        ("a::uint:8", FieldOptions(unit="km"), "07", 7),
        ("a::int:16", FieldOptions(none=-32768), "8000", None),
        ("a::int:16", FieldOptions(none=-32768), "8001", -32767),
        ("a::int:16", FieldOptions(none=-32768, scale=0.1), "8000", None),  # of the payload, not of the scaled value
        ("a::int:16", FieldOptions(none=10, scale=0.5), "0014", 10.0),
        ("a::int:16:little-endian", FieldOptions(none=-32768), "0080", None),
        ("a::int:12:big-endian:3", FieldOptions(none=-1), "0fff", None),
        ("a::uint:8", FieldOptions(none=[0x7F, 0xFF]), "ff", None),
        ("a::uint:8", FieldOptions(none=[0x7F, 0xFF]), "7f", None),
        ("a::uint:8", FieldOptions(none=[0x7F, 0xFF]), "80", 128),
        ("a::uint:8", FieldOptions(none=255.0), "ff", None),
        ("a::uint:64", FieldOptions(none=2**64 - 1), "f" * 16, None),
        ("a::uint:16", FieldOptions(half=True, none=0x1234), "1234", None),  # of a half its 16 bits
        ("a::float:32", FieldOptions(none=-999.9), "c479f99a", None),
        ("a::float:64", FieldOptions(none=0), "0000000000000000", None),
        ("a::uint:8", FieldOptions(enum={"1": "charging"}, none=255), "ff", None),
        ("a::uint:8", FieldOptions(enum={"1": "charging"}, none=255), "01", "charging"),
        ("a::uint:8", FieldOptions(enum={"1": "charging"}, none=255), "07", 7),
        ("a::uint:8", FieldOptions(min=10, max=100), "ff", 255),  # evd.sigfox.decode_policy judges
    ],
)
def test_options_change_the_value(make: Make, text: str, options: FieldOptions, payload: str, value: object) -> None:
    decoder = make(text, a=options)
    decoded = decoder.decode_hex(payload)["a"]
    assert decoded == value
    assert type(decoded) is type(value)
    assert decoder.json_hex(payload) == orjson.dumps({"a": value})


PLAUSIBLE = [
    ("a::uint:8", FieldOptions(max=100), "64", True),
    ("a::uint:8", FieldOptions(max=100), "65", False),
    ("a::uint:8", FieldOptions(min=1), "00", False),
    ("a::uint:8", FieldOptions(min=-1, max=255), "ff", True),  # as all of its values are
    ("a::uint:8", FieldOptions(max=-1), "00", False),
    ("a::int:8", FieldOptions(min=-40), "d8", True),
    ("a::int:8", FieldOptions(min=-40), "d7", False),
    ("a::int:16:little-endian", FieldOptions(max=256), "0001", True),
    ("a::int:16:little-endian", FieldOptions(max=256), "0101", False),
    ("a::int:16", FieldOptions(scale=0.1, min=-50, max=80), "fe0b", False),  # -50.1
    ("a::int:16", FieldOptions(scale=0.1, min=-50, max=80), "fe0c", True),
    ("a::uint:8", FieldOptions(scale=-1.0, min=-10), "0b", False),
    ("a::uint:16", FieldOptions(half=True, min=-100, max=150), "58b0", True),  # 150.0
    ("a::uint:16", FieldOptions(half=True, min=-100, max=150), "58b1", False),
    ("a::uint:16", FieldOptions(half=True, min=-100, max=150), "d641", False),
    ("a::uint:16", FieldOptions(half=True, max=150), "7c00", True),  # an infinity is null, and null is plausible
    ("a::uint:16", FieldOptions(half=True, max=150), "7e00", True),
    ("a::float:32", FieldOptions(max=1.5), "3fc00000", True),
    ("a::float:32", FieldOptions(max=1.5), "3fc00001", False),
    ("a::uint:8", FieldOptions(max=100, none=255), "ff", True),
    ("a::uint:16", FieldOptions(max=100), "ff", True),  # past the payload's end
    ("a::uint:64", FieldOptions(max=2.0**53), "0020000000000001", True),  # compared as doubles
]


@pytest.mark.parametrize(("text", "options", "payload", "plausible"), PLAUSIBLE)
def test_the_json_of_a_payload_whose_values_are_all_plausible(
    make: Make, text: str, options: FieldOptions, payload: str, plausible: bool
) -> None:
    decoder = make(f"{text} b:0:uint:1", a=options)
    raw = bytes.fromhex(payload)
    assert decoder.plausible_json(raw) == (decoder.json(raw) if plausible else None)


def test_one_value_that_is_not_plausible_is_enough(make: Make) -> None:
    percent = FieldOptions(min=0, max=100)
    decoder = make("a::uint:8 b::uint:8 c::uint:8", a=percent, c=percent)
    assert decoder.plausible_json(b"\x64\xff\x64") == b'{"a":100,"b":255,"c":100}'
    assert decoder.plausible_json(b"\x64\xff\x65") is None
    assert decoder.plausible_json(b"\x65\xff\x64") is None
    assert decoder.plausible_json(b"\x64\xff") == b'{"a":100,"b":255,"c":null}'


# ---- payloads ----


def test_hex_is_read_in_any_case_as_bytes_and_as_text(make: Make) -> None:
    decoder = make("a::uint:64 b::uint:16")
    for text in ("0123456789abcdefABCD", "0123456789ABCDEFabcd", b"0123456789aBcDeFAbCd"):
        assert decoder.decode_hex(text) == {"a": 0x0123456789ABCDEF, "b": 0xABCD}
    assert decoder.decode_hex("") == decoder.decode_hex(b"") == {"a": None, "b": None}


BAD_HEX = [
    ("1", "1 digits are no whole number of bytes"),
    ("12g4", "'g' at position 2 is no hex digit"),
    (b"12g4", "'g' at position 2 is no hex digit"),
    ("zz1", "'z' at position 0"),
    ("12 34", "' ' at position 2"),
    ("12\n", "'\\n' at position 2"),
    ("0x12", "'x' at position 1"),
    ("1\0", "'\\x00' at position 1"),
    ("é1", "'\\xe9' at position 0"),
    (b"\xe91", "'\\xe9' at position 0"),
    ("1２", "'\\uff12' at position 1"),
    ("😀1", "at position 0"),
    ("\ud8001", "'\\ud800' at position 0"),
    ("0" * (2 * PAYLOAD_BYTES_MAX + 1), "has 129 hex digits; 128 at most"),
    ("0" * (2 * PAYLOAD_BYTES_MAX + 2), "has 130 hex digits; 128 at most"),
]


@pytest.mark.parametrize(("text", "sentence"), BAD_HEX, ids=lambda value: ascii(value)[:24])
def test_what_is_no_hex_text_is_refused_by_every_method(make: Make, text: str | bytes, sentence: str) -> None:
    decoder = make("a::uint:8")
    for call in (decoder.decode_hex, decoder.json_hex, lambda bad: decoder.json_hex_many(["00", bad])):
        with pytest.raises(CodecError) as caught:
            call(text)
        assert sentence in str(caught.value)


def test_a_payload_has_a_bounded_length(make: Make) -> None:
    decoder = make("a:63:uint:8")
    assert decoder.decode(bytes(63) + b"\x07") == {"a": 7}
    assert decoder.decode_hex("00" * 63 + "07") == {"a": 7}
    for call in (
        decoder.decode,
        decoder.json,
        decoder.plausible_json,
        lambda bad: decoder.json_many([bad]),
        lambda bad: decoder.decode_many([bad]),
    ):
        with pytest.raises(CodecError, match="the payload has 65 bytes; 64 at most are decoded"):
            call(bytes(65))


def test_other_types_are_type_errors(make: Make) -> None:
    decoder: Any = make("a::uint:8")
    for value in (None, 5, bytearray(b"1"), ["1"]):
        with pytest.raises(TypeError, match="a payload is bytes, not"):
            decoder.decode(value)
        with pytest.raises(TypeError, match="hex text is bytes or str, not"):
            decoder.json_hex(value)
    with pytest.raises(TypeError, match="a payload is bytes, not str"):
        decoder.json("00")


# ---- batches and JSON ----


def test_a_batch_is_what_its_payloads_are_one_by_one(make: Make) -> None:
    decoder = make(EV, elec_consumption=HALF)
    payloads = [bytes([n] * (n % 14)) for n in range(256)]
    assert decoder.decode_many(payloads) == [decoder.decode(payload) for payload in payloads]
    assert decoder.json_many(payloads) == [decoder.json(payload) for payload in payloads]
    texts = [payload.hex() for payload in payloads]
    assert decoder.json_hex_many(texts) == [decoder.json(payload) for payload in payloads]
    assert decoder.json_hex_many([text.encode() for text in texts]) == decoder.json_many(payloads)
    assert decoder.decode_many([]) == decoder.json_many([]) == decoder.json_hex_many([]) == []


def test_json_of_a_format_longer_than_any_buffer_on_the_stack(make: Make) -> None:
    text = " ".join(f"{'n' * 60}{n:02}:{n // 8}:bool:{7 - n % 8}" for n in range(96))
    decoder = make(text)
    assert decoder.json(b"\xa5" * 12) == orjson.dumps(decoder.decode(b"\xa5" * 12))


@pytest.mark.parametrize("size", [1, 26, 27, 28, 29, 30, 31, 32, 60, 63, 64, 65, 300])
def test_json_keys_of_every_length_are_whole(make: Make, size: int) -> None:
    assert make(f"{'a' * size}::uint:8 b::uint:8").json(b"\1\2") == b'{"' + b"a" * size + b'":1,"b":2}'


@pytest.mark.parametrize("digits", range(21))
def test_integers_of_every_length_are_written_whole(make: Make, digits: int) -> None:
    decoder = make("u::uint:64 i:0:int:64")
    for number in (10**digits - 1, 10**digits, 10**digits + 1):
        raw = (number % 2**64).to_bytes(8, "big")
        assert decoder.json(raw) == orjson.dumps(decoder.decode(raw))
        raw = (-number % 2**64).to_bytes(8, "big")
        assert decoder.json(raw) == orjson.dumps(decoder.decode(raw))


DOUBLES = [0.0, -0.0, 5.0, 1e15, 9999999999999998.0, 1e16, 1e-4, 9.999e-5, 1e-5, 1e-7, 5e-324, 1.7976931348623157e308]


@pytest.mark.parametrize("value", [*DOUBLES, *(-value for value in DOUBLES), 2.0**53, 1 / 3, 123456.789])
def test_doubles_are_written_as_orjson_writes_them(make: Make, value: float) -> None:
    assert make("a::float:64").json(struct.pack(">d", value)) == orjson.dumps({"a": value})


# ---- the choice of the twin ----


def test_cython_is_built_and_chosen_where_nobody_asks() -> None:
    assert codec.choose({}) == "cython"
    assert importlib.import_module("evd._codec").Decoder.__module__ == "evd._codec"


def test_the_decoder_is_the_one_that_implementation_names() -> None:
    assert codec.Decoder is importlib.import_module(MODULES[codec.IMPLEMENTATION]).Decoder


def test_python_is_chosen_where_asked() -> None:
    assert codec.choose({"EVD_CODEC": "python"}) == "python"


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(ConfigError, match="EVD_CODEC is 'rust'; allowed are cython and python"):
        codec.choose({"EVD_CODEC": "rust"})


def test_without_the_extension_only_an_unasked_choice_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "evd._codec", None)  # makes its import an ImportError
    assert codec.choose({}) == "python"
    with pytest.raises(ConfigError, match="run `make build`"):
        codec.choose({"EVD_CODEC": "cython"})
