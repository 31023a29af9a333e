"""The fast path gives what the readable way gives, or nothing: tables, laws, and every small damage of a good body."""

from __future__ import annotations

import json
import sys
from typing import Any, cast

import pytest
from callback_law import FAST_PATH, FORMATS, NOW, assert_law, readable, typed
from hypothesis import given
from hypothesis import strategies as st

from evd.config.settings import FormatSettings
from evd.errors import ConfigError
from evd.ingest import fast_path as ordinary
from evd.ingest._fast_path import FastPath
from evd.ingest.fast_path import NoFastPath
from evd.model.connectivity import SIGFOX, WLAN
from evd.model.status import AHEAD_MS, SEQ_MAX, TIME_MAX_MS
from evd.payload.formats import Formats
from evd.redaction.requests import masked_bytes
from evd.sigfox.kinds.advanced import RADIO
from evd.sigfox.message import NO_FIELDS, PAYLOAD_NAMES, SEQ_ALIASES, SEQ_NAMES, TIME_NAMES, VEHICLE_NAMES

SEQUENCE = (*SEQ_NAMES, *SEQ_ALIASES)
ENVELOPE = {*VEHICLE_NAMES, *TIME_NAMES, *PAYLOAD_NAMES, *SEQUENCE}
READ_OVER = sorted(NO_FIELDS - ENVELOPE - {"encoded", "key", *RADIO})

BODY = b'{"device":"1A2B3C","time":1700000000,"data":"130a4c0f594e427e4bb45088","seqNumber":12}'
LONG_BODY = (
    b'{\n\t"vehicleId" : "00386625" ,\r\n "timestamp": "1639400000000", "rawdata": "", "seqNumber": "4095",\n'
    b'"snr": 12.25, "rssi": -112.5, "station": "0FFF", "duplicate": false, "ack": true, "lat": null, "lqi": null}\n'
)

TRAILER = FormatSettings("load::uint:8 door::bool:0", {"load": {"enum": {"0": "empty"}}})


def body_of(**changes: Any) -> bytes:
    """BODY with some members changed, or left out where the value is `...`."""
    members = {"device": "1A2B3C", "time": 1_700_000_000, "data": "130a4c0f", "seqNumber": 12} | changes
    return json.dumps({name: value for name, value in members.items() if value is not ...}).encode()


@pytest.mark.parametrize("connectivity", [SIGFOX, WLAN])
@pytest.mark.parametrize(
    "body",
    [
        BODY,
        LONG_BODY,
        b" \t\r\n" + BODY + b" \t\r\n",
        *(body_of(device=text) for text in ("0", "00000000", "1", "0cb3", "284019f", "ffffffff", "0A0b0C0d")),
        *(body_of(**{"device": ...} | {name: "0042"}) for name in VEHICLE_NAMES),
        *(body_of(time=time) for time in (1, "1", "1700000000", 10**11, 10**11 + 1, 1_639_400_000_999, TIME_MAX_MS)),
        *(body_of(**{"time": ...} | {name: 1_639_400_000}) for name in TIME_NAMES),
        *(body_of(data=text) for text in ("", "00", "Ff", "0123456789abcdefABCDEF99", "130a4c0f594e427e4bb450")),
        *(body_of(**{"data": ...} | {name: "130a"}) for name in PAYLOAD_NAMES),
        *(body_of(seqNumber=seq) for seq in (..., 0, "0", 4095, SEQ_MAX, str(SEQ_MAX))),
    ],
)
def test_an_ordinary_callback_is_read_as_the_readable_way_reads_it(body: bytes, connectivity: int) -> None:
    found = FAST_PATH.read(body, connectivity, NOW)
    assert found is not None
    assert typed(found) == typed(readable(body, connectivity))
    assert found.document is body


@pytest.mark.parametrize(
    ("data", "now", "flags"),
    [
        ("1f8a", NOW, "implausible"),  # 126 %
        ("130a4c0f594e427e4bb47bff", NOW, "implausible"),  # 65,504 degrees
        ("1f8a", 0, "ahead implausible"),
        ("130a4c0f594e427e4bb47c00", NOW, ""),  # an infinity is no value
    ],
)
def test_values_that_are_not_plausible_are_kept_apart_and_flagged(data: str, now: int, flags: str) -> None:
    found = FAST_PATH.read(body_of(data=data), SIGFOX, now)
    assert found is not None
    assert found.flags == flags
    assert typed(found) == typed(readable(body_of(data=data), now=now))


@pytest.mark.parametrize("name", READ_OVER)
@pytest.mark.parametrize(
    "value",
    [
        '""',
        '"A-b_c.9+"',
        '"5964a10570c85b51ccbaf497"',
        '"ab0d40bd-dbc5-4076-b684-3f610d96e621"',
        "null",
        "true",
        "false",
        "0",
        "-0",
        "7",
        "-12.5",
        "0.0",
        "1234567890123456789012345678901",
    ],
)
def test_variables_of_sigfox_are_read_over(name: str, value: str) -> None:
    body = f'{{"{name}":{value},{BODY[1:-1].decode()}}}'.encode()
    found = FAST_PATH.read(body, SIGFOX, NOW)
    assert found is not None
    assert typed(found) == typed(readable(body))


@pytest.mark.parametrize("format", ["ev", "trailer", "a::uint:64:little-endian b::int:12 c::char:2", "x:11:uint:8"])
@pytest.mark.parametrize("data", ["", "00", "01ff", "130a4c0f594e427e4bb45088"])
def test_the_fields_are_the_default_formats(format: str, data: str) -> None:
    formats = Formats({"trailer": TRAILER}, "ev")
    formats.default = formats.find(format)
    body = body_of(data=data)
    found = FastPath(formats.default, {}).read(body, SIGFOX, NOW)
    assert found is not None
    assert typed(found) == typed(readable(body, formats=formats))


@pytest.mark.parametrize(
    ("time_ms", "timely", "flags"),
    [(NOW, True, ""), (NOW + AHEAD_MS, True, ""), (NOW + AHEAD_MS + 1, False, "ahead"), (TIME_MAX_MS, False, "ahead")],
)
def test_a_time_a_day_ahead_of_the_servers_is_flagged(time_ms: int, timely: bool, flags: str) -> None:
    found = FAST_PATH.read(body_of(time=time_ms), WLAN, NOW)
    assert found is not None
    assert (found.time, found.timely, found.flags) == (time_ms, timely, flags)


def test_sigfox_knows_seconds_and_wlan_milliseconds() -> None:
    by_sigfox, by_wlan = (FAST_PATH.read(body_of(time=1_639_400_000_999), way, NOW) for way in (SIGFOX, WLAN))
    assert by_sigfox is not None and by_sigfox.time == 1_639_400_000_000
    assert by_wlan is not None and by_wlan.time == 1_639_400_000_999


def test_a_vehicle_with_a_format_of_its_own_takes_the_readable_way_from_the_moment_it_has_one() -> None:
    assigned: dict[str, str] = {"ABC": "trailer"}
    fast_path = FastPath(FORMATS.default, assigned)
    body = body_of(device="00386625")
    assert fast_path.read(body, SIGFOX, NOW) is not None
    assigned["386625"] = "trailer"
    assert fast_path.read(body, SIGFOX, NOW) is None
    assert fast_path.read(BODY, SIGFOX, NOW) is not None
    del assigned["386625"]
    assert fast_path.read(body, SIGFOX, NOW) is not None


NOT_ORDINARY = {
    "empty body": b"",
    "blank body": b" \n",
    "no object": b"[" + BODY + b"]",
    "empty object": b"{}",
    "no vehicle": body_of(device=...),
    "no time": body_of(time=...),
    "no payload": body_of(data=...),
    "a field of the sender's": body_of(state=1),
    "encoded": body_of(encoded=False),
    "a name that begins like one of Sigfox's": body_of(statio="x"),
    "a name that ends like one of Sigfox's": body_of(xtime=1),
    "a name in another case": body_of(Device="1"),
    "an empty name": b'{"":1,' + BODY[1:],
    "vehicle bare": body_of(device=386625),
    "vehicle null": body_of(device=None),
    "vehicle empty": body_of(device=""),
    "vehicle of nine digits": body_of(device="123456789"),
    "vehicle of many digits": body_of(device="1" * 100_000),
    "vehicle that is no hex": body_of(device="car"),
    "vehicle with a blank": body_of(device=" 12"),
    "time zero": body_of(time=0),
    "time negative": body_of(time=-1),
    "time with a fraction": body_of(time=1.5),
    "time with an exponent": b'{"device":"1","data":"","time":17e8}',
    "time with a leading zero": b'{"device":"1","data":"","time":01}',
    "time quoted with a leading zero": body_of(time="01700000000"),
    "time quoted with blanks": body_of(time=" 1700000000 "),
    "time quoted and empty": body_of(time=""),
    "time true": body_of(time=True),
    "time after 9999": body_of(time=TIME_MAX_MS + 1),
    "time of many digits": body_of(time=10**40),
    "time of 2^64 + 1": body_of(time=2**64 + 1),
    "sequence number too great": body_of(seqNumber=SEQ_MAX + 1),
    "sequence number null": body_of(seqNumber=None),
    "sequence number negative": body_of(seqNumber=-1),
    "payload null": body_of(data=None),
    "payload bare": body_of(data=12),
    "payload of an odd number of digits": body_of(data="123"),
    "payload too long": body_of(data="0" * 26),
    "payload too long and odd": body_of(data="0" * 25),
    "payload that is no hex": body_of(data="0g"),
    "a key": body_of(key="secret"),
    "a text with a blank": body_of(station="Bearer abcdefgh"),
    "a text with a separator": body_of(station="key=abcdefgh"),
    "a long text": body_of(station="g" * 15),
    "a long text of hex digits": body_of(station="a" * 41),
    "an AWS key": body_of(station="AKIAIOSFODNN7EXAMPLE"),
    "a webhook's secret": body_of(station="whsec_12345678"),
    "what begins like a token": body_of(station="eyJhbGciOiJub25lIn0.e30."),
    "what begins like a key": body_of(station="evd_sigfox_Ab3dEf6h_xxxxx"),
    "what begins like an access token": body_of(station="ya29.a0AfH6"),
    "a list": body_of(duplicates=[]),
    "an object": body_of(computedLocation={}),
    "an escape in a value": body_of(station="\n"),
    "an escape in a name": b'{"\\u0074ime":1,"device":"1","data":""}',
    "text that is not ASCII": body_of(station="é").replace(rb"\u00e9", "é".encode()),
    "bytes that are no UTF-8": body_of(station="x").replace(b'"x"', b'"\xff"'),
    "a control character in a text": body_of(station="x").replace(b'"x"', b'"\x1f"'),
    "a number without an integer": body_of(snr=1).replace(b'"snr": 1', b'"snr": .5'),
    "a number with a bare point": body_of(snr=1).replace(b'"snr": 1', b'"snr": 1.'),
    "a number with a leading zero": body_of(snr=1).replace(b'"snr": 1', b'"snr": 00'),
    "a number with a plus": body_of(snr=1).replace(b'"snr": 1', b'"snr": +1'),
    "a lone minus": body_of(snr=1).replace(b'"snr": 1', b'"snr": -'),
    "a number of two signs": body_of(snr=1).replace(b'"snr": 1', b'"snr": 1-1'),
    "a number that is very long": body_of(snr=10**400),
    "no number": body_of(snr=float("nan")),
    "a word in upper case": body_of(ack=1).replace(b'"ack": 1', b'"ack": True'),
    "a word that goes on": body_of(ack=1).replace(b'"ack": 1', b'"ack": nullx'),
    "a word cut short": body_of(ack=1).replace(b'"ack": 1', b'"ack": nul'),
    "a comma too many": BODY[:-1] + b",}",
    "two commas": BODY.replace(b",", b",,", 1),
    "a comma in front": b"{," + BODY[1:],
    "no colon": BODY.replace(b":", b" ", 1),
    "another blank": BODY.replace(b":", b":\x0b", 1),
    "a byte order mark": b"\xef\xbb\xbf" + BODY,
    "text behind": BODY + b"x",
    "two objects": BODY + BODY,
    "a NUL behind": BODY + b"\0",
    "a NUL and text behind": BODY + b"\0" + BODY,
    "a NUL within": BODY.replace(b":", b"\0:", 1),
    "names without quotes": BODY.replace(b'"time"', b"time"),
    "single quotes": BODY.replace(b'"', b"'"),
    "unclosed text": body_of(station="x")[:-2],
}


@pytest.mark.parametrize("body", NOT_ORDINARY.values(), ids=NOT_ORDINARY.keys())
def test_what_is_not_ordinary_takes_the_readable_way(body: bytes) -> None:
    assert FAST_PATH.read(body, SIGFOX, NOW) is None


@pytest.mark.parametrize("name", RADIO)
def test_what_a_message_says_of_its_radio_takes_the_readable_way(name: str) -> None:
    for text in ("null", '""', '"null"'):
        assert_law(body := body_of()[:-1] + f',"{name}":{text}}}'.encode())
        assert FAST_PATH.read(body, SIGFOX, NOW) is not None
    for text in ('"GOOD"', "1", "[]", "{}", "nul", '"'):
        assert FAST_PATH.read(body_of()[:-1] + f',"{name}":{text}}}'.encode(), SIGFOX, NOW) is None


@pytest.mark.parametrize("name", SEQUENCE)
@pytest.mark.parametrize(
    "value", ["7", '"7"', "0", '"007"', '"7c"', "7.0", "true", "null", '""', '"ab0d40bd-dbc5-4076"']
)
def test_a_count_by_whichever_name_is_what_the_readable_way_reads(name: str, value: str) -> None:
    assert_law(body_of(seqNumber=...)[:-1] + f',"{name}":{value}}}'.encode())


@pytest.mark.parametrize("names", [VEHICLE_NAMES, TIME_NAMES, PAYLOAD_NAMES, SEQUENCE])
def test_two_names_for_one_thing_take_the_readable_way(names: tuple[str, ...]) -> None:
    good = {"device": '"1"', "time": "1", "data": '"01"', "seqNumber": "1"}
    value = next(good[name] for name in names if name in good)
    for first in names:
        for second in names:
            others = [f'"{name}":{text}' for name, text in good.items() if name not in names]
            one = "{" + ",".join([f'"{first}":{value}', *others]) + "}"
            two = "{" + ",".join([f'"{first}":{value}', *others, f'"{second}":{value}']) + "}"
            assert FAST_PATH.read(one.encode(), SIGFOX, NOW) is not None
            assert FAST_PATH.read(two.encode(), SIGFOX, NOW) is None


@pytest.mark.parametrize("name", READ_OVER)
def test_a_name_that_occurs_twice_takes_the_readable_way(name: str) -> None:
    once = BODY[:-1] + f',"{name}":1}}'.encode()
    assert FAST_PATH.read(once, SIGFOX, NOW) is not None
    assert FAST_PATH.read(once[:-1] + f',"{name}":1}}'.encode(), SIGFOX, NOW) is None


@pytest.mark.parametrize("body", [BODY, LONG_BODY.rstrip()])
def test_no_prefix_of_a_callback_is_one(body: bytes) -> None:
    assert [end for end in range(len(body)) if FAST_PATH.read(body[:end], SIGFOX, NOW) is not None] == []


@pytest.mark.parametrize("body", [BODY, LONG_BODY])
def test_a_callback_with_one_byte_replaced_put_in_or_left_out_keeps_the_law(body: bytes) -> None:
    for place in range(len(body)):
        before, after = body[:place], body[place + 1 :]
        assert_law(before + after)
        for byte in range(256):
            assert_law(before + bytes([byte]) + after)
            assert_law(before + bytes([byte]) + body[place:])


@given(st.binary(max_size=200), st.sampled_from([SIGFOX, WLAN]))
def test_random_bytes_keep_the_law(body: bytes, connectivity: int) -> None:
    assert_law(body, connectivity)
    assert_law(BODY[:-1] + body, connectivity)


BEGINNINGS = ["evd_app_", "ey", "eyJ", "ya29.", "AKIA", "ASIA", "APA91", "AIza", "ghp_", "xoxb-", "whsec_", "sk_live_"]


@given(
    st.sampled_from(READ_OVER),
    st.text("aeyvwE29._-+kKtoken", max_size=44),
    st.sampled_from(["", *BEGINNINGS]),
)
def test_no_text_that_is_read_over_holds_a_secret(name: str, text: str, start: str) -> None:
    """Whatever the fast path takes, evd.redaction.requests leaves as it is."""
    body = body_of(**{name: start + text})
    if FAST_PATH.read(body, SIGFOX, NOW) is not None:
        assert masked_bytes(body) == body
    assert_law(body)


# Names and values as JSON text, good ones first: Hypothesis prefers what stands in front.
QUOTED = st.sampled_from(["{}", '"{}"'])
VEHICLES = st.one_of(
    st.text("0123456789abcdefABCDEF", min_size=1, max_size=8).map(json.dumps),
    st.text("0aF g", max_size=10).map(json.dumps),
)
WHOLES = st.one_of(
    st.builds(str.format, QUOTED, st.one_of(st.integers(0, 2 * 10**9), st.integers(0, 3 * 10**14))),
    st.builds(str.format, QUOTED, st.text("0123456789-.e+ ", max_size=20)),
)
PAYLOADS = st.one_of(
    st.binary(max_size=12).map(lambda payload: json.dumps(payload.hex())),
    st.text("0aF g", max_size=26).map(json.dumps),
)
PLAIN = st.one_of(
    st.sampled_from(["null", "true", "false", "0", "-1.50", '""']),
    st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.floats(-1e6, 1e6).map(repr),
    st.text('0123456789-.eE+nul"[]{}', max_size=6),
)
BLANKS = st.text(" \t\r\n", max_size=2)


def members(names: tuple[str, ...] | list[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds('{1}"{0}"{2}:{3}{4}{5}'.format, st.sampled_from(names), BLANKS, BLANKS, BLANKS, values, BLANKS)


OTHERS = members([*READ_OVER, *sorted(ENVELOPE), "encoded", "state", "x"], PLAIN)


@st.composite
def near_callbacks(draw: st.DrawFn) -> bytes:
    """Bodies that are ordinary callbacks, or nearly."""
    parts = [
        draw(members(VEHICLE_NAMES, VEHICLES)),
        draw(members(TIME_NAMES, WHOLES)),
        draw(members(PAYLOAD_NAMES, PAYLOADS)),
        *draw(st.lists(members(SEQ_NAMES, WHOLES), max_size=1)),
        *draw(st.lists(OTHERS, max_size=3)),
    ]
    return "{{{}}}{}".format(",".join(draw(st.permutations(parts))), draw(BLANKS)).encode("utf-8", "surrogatepass")


@given(near_callbacks(), st.sampled_from([SIGFOX, WLAN, 0]), st.integers(0, 2 * NOW))
def test_what_is_nearly_a_callback_keeps_the_law(body: bytes, connectivity: int, now: int) -> None:
    assert_law(body, connectivity, now)


@given(
    vehicle=st.text("0123456789abcdefABCDEF", min_size=1, max_size=8),
    time=st.one_of(st.integers(1, 10**11), st.integers(10**11 + 1, TIME_MAX_MS)),
    payload=st.binary(max_size=12),
    seq=st.one_of(st.none(), st.integers(0, SEQ_MAX)),
    connectivity=st.sampled_from([SIGFOX, WLAN]),
    now=st.integers(0, 2 * NOW),
)
def test_every_ordinary_callback_takes_the_fast_path(
    vehicle: str, time: int, payload: bytes, seq: int | None, connectivity: int, now: int
) -> None:
    body = body_of(device=vehicle, time=time, data=payload.hex(), seqNumber=... if seq is None else seq)
    found = FAST_PATH.read(body, connectivity, now)
    assert found is not None
    assert typed(found) == typed(readable(body, connectivity, now))


def test_the_fast_path_goes_with_the_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ordinary.choose({}) is FastPath
    assert ordinary.choose({"EVD_CODEC": "cython"}) is FastPath
    assert ordinary.choose({"EVD_CODEC": "python"}) is NoFastPath
    monkeypatch.setitem(sys.modules, "evd.ingest._fast_path", None)  # makes its import an ImportError
    assert ordinary.choose({}) is NoFastPath
    with pytest.raises(ConfigError, match="half built; run `make build`"):
        ordinary.choose({"EVD_CODEC": "cython"})


def test_without_cython_nothing_is_ordinary() -> None:
    assert NoFastPath(FORMATS.default, {}).read(BODY, SIGFOX, NOW) is None


def test_only_bytes_are_read() -> None:
    for body in (BODY.decode(), bytearray(BODY), None):
        with pytest.raises(TypeError):
            FAST_PATH.read(cast(bytes, body), SIGFOX, NOW)
