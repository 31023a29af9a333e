"""A callback's body → the message in it: every accepted shape, and a clear refusal of everything else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from original_status import HALVES, MEASURED, ORIGINAL_CALLBACK, ORIGINAL_WLAN, PAYLOAD, SIMULATOR_MEASURED

from evd.errors import BadRequest
from evd.sigfox.message import NESTING_MAX, read_json, read_message

LEAST = {"vehicleId": "386625", "timestamp": 1639400000}


def test_the_originals_callback() -> None:
    message = read_message(read_json(ORIGINAL_CALLBACK))
    assert message.kind == "data"
    assert message.vehicle == message.spelling == "386625"
    assert message.time == 1639400000000
    assert message.seq == 118
    assert message.payload == bytes.fromhex(PAYLOAD)
    assert message.encoded is None
    assert message.fields == {"advanced": False, **MEASURED, **HALVES}


def test_the_originals_wlan_body() -> None:
    message = read_message(read_json(ORIGINAL_WLAN))
    assert message.time == 1639400000123
    assert message.seq is None
    assert message.payload is None
    assert message.encoded is False
    assert message.fields == SIMULATOR_MEASURED


def test_every_value_quoted_is_the_same_message() -> None:
    bare = orjson.loads(ORIGINAL_CALLBACK)
    quoted = {name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in bare.items()}
    assert all(isinstance(value, str) for value in quoted.values())
    assert read_message(quoted) == read_message(bare)


def test_sigfoxs_plain_variables() -> None:
    message = read_message(
        {
            "device": "00386625",
            "time": "1639400000",
            "data": PAYLOAD.upper(),
            "seqNumber": "118",
            "deviceTypeId": "5d8cdc8fea06bb6e41234567",
            "lqi": "Good",
            "rssi": "-120.00",
            "station": "1B2C",
            "ack": "false",
            "operatorName": "SIGFOX_Slovakia",
            "countryCode": "703",
            "linkQuality": 2,
            "computedLocation": {"lat": 48.1, "lng": 17.1, "radius": 900, "source": 2, "status": 1},
        }
    )
    assert (message.vehicle, message.spelling) == ("386625", "00386625")
    assert (message.time, message.seq, message.payload) == (1639400000000, 118, bytes.fromhex(PAYLOAD))
    assert message.fields == {}, "what is Sigfox's is no field of the status; the document keeps it"


def test_null_is_no_value_quoted_or_not() -> None:
    document = LEAST | {
        "seqNumber": "null",
        "rawdata": "null",
        "state": "null",
        "range": None,
        "current": "",
        "seen": "null",
        "note": None,
    }
    message = read_message(document)
    assert (message.seq, message.payload, message.fields) == (None, None, {})


def test_an_empty_payload_is_a_payload() -> None:
    assert read_message(LEAST | {"data": ""}).payload == b""
    assert read_message(LEAST).payload is None


def test_where_one_name_has_no_value_the_other_counts() -> None:
    message = read_message({"vehicleId": "null", "device": "1A", "timestamp": "", "time": 1639400000})
    assert (message.vehicle, message.time) == ("1A", 1639400000000)


def test_an_unquoted_number_is_a_vehicle_too() -> None:
    assert read_message({"device": 386625, "time": 1}).vehicle == "386625"


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(False, False), ("false", False), (True, True), ("true", True), (None, None), ("null", None), ("perhaps", None)],
)
def test_whether_halves_are_encoded_is_unsaid_unless_the_sender_says_it(value: Any, encoded: bool | None) -> None:
    assert read_message(LEAST | {"encoded": value}).encoded is encoded


@pytest.mark.parametrize(
    ("value", "asks"),
    [
        *((value, True) for value in (True, "true", 1, "1")),
        *((value, False) for value in (False, "false", 0, None, "null", "", [], "yes")),
    ],
)
def test_a_message_asks_for_a_downlink_where_ack_is_true(value: Any, asks: bool) -> None:
    assert read_message(LEAST | {"ack": value}).asks is asks


@pytest.mark.parametrize(
    ("value", "device_type"),
    [
        ("5D8CDC8FEA06BB6E41234567", "5d8cdc8fea06bb6e41234567"),
        ("null", None),
        ("", None),
        (None, None),
        (5, None),
        ("a\0", None),
        ("a" * 64, "a" * 64),
        ("a" * 65, None),
    ],
)
def test_a_device_type_is_kept_in_small_letters(value: Any, device_type: str | None) -> None:
    assert read_message(LEAST | {"deviceTypeId": value}).device_type == device_type


@pytest.mark.parametrize("value", [True, "true", 1, "1"])
def test_a_flag_may_be_written_in_several_ways(value: Any) -> None:
    assert read_message(LEAST | {"advanced": value}).fields == {"advanced": True}


def test_unknown_fields_are_kept_as_they_are() -> None:
    extra = {"odometer": "12", "tyres": [2.1, 2.2], "nested": {"a": None}}
    assert read_message(LEAST | extra).fields == extra


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({}, "Missing basic attributes"),
        ({"timestamp": 1}, "Missing basic attributes"),
        ({"vehicleId": "1"}, "Missing basic attributes"),
        ({"vehicleId": "", "timestamp": 1}, "Missing basic attributes"),
        ({"vehicleId": "null", "timestamp": 1}, "Missing basic attributes"),
        ({"vehicleId": ["1"], "timestamp": 1}, "Missing basic attributes"),
        ({"vehicleId": True, "timestamp": 1}, "Missing basic attributes"),
        ({"vehicleId": 1.5, "timestamp": 1}, "Missing basic attributes"),
        ({"vehicleId": "a\0", "timestamp": 1}, "Missing basic attributes"),
    ],
)
def test_what_has_no_vehicle_or_time_is_refused_in_the_originals_words(document: dict[str, Any], error: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_message(document)
    assert caught.value.error == error


@pytest.mark.parametrize(
    "addition",
    [
        {"timestamp": "yesterday"},
        {"timestamp": True},
        {"timestamp": "nan"},
        {"timestamp": "1e999"},
        {"timestamp": "9" * 33},
        {"timestamp": 0},
        {"timestamp": {"$numberLong": "1"}},
        {"seqNumber": 1.5},
        {"seqNumber": -1},
        {"seqNumber": 2**32},
        {"seqNumber": True},
        {"rawdata": 1},
        {"rawdata": "abc"},
        {"rawdata": "zz"},
        {"rawdata": "0x"},
        {"rawdata": "a b "},
        {"rawdata": "٣٨"},
        {"rawdata": "00" * 13},
        {"rawdata": ["00"]},
        {"state": "charging"},
        {"state": True},
        {"state": []},
        {"current": "infinity"},
        {"current": 2**63},
        {"current": "9" * 30},
        {"current": 1e300},
        {"location": 48.1},
        {"advanced": "perhaps"},
        {"advanced": {}},
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(addition: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as caught:
        read_message(LEAST | addition)
    assert caught.value.detail
    assert len(caught.value.detail) < 200, "a sentence quotes no more than the beginning of a value"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":Infinity}', id="Infinity"),
        pytest.param(b'{"a":1e999}', id="1e999"),
        pytest.param(b'{"a":%s}' % (b"9" * 5000), id="5,000 digits"),
        pytest.param(b'{"a":"\\ud800"}', id="lone surrogate"),
        pytest.param(b'{"a":"\0"}', id="bare NUL"),
        pytest.param(b"[" * 100_000, id="100,000 levels"),
        pytest.param(b'{"a":%s%s}' % (b"[" * 300, b"]" * 300), id="300 levels, which a reader takes and a writer not"),
        pytest.param(b'{"a":"\xff"}', id="bad UTF-8"),
        pytest.param(b"{}x", id="trailing bytes"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param(b"{'a':1}", id="single quotes"),
        pytest.param(b'{"a":1,}', id="trailing comma"),
    ],
)
def test_what_is_no_json_object_is_refused_in_the_originals_words(body: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        read_json(body)
    assert caught.value.error == "Body parsing error"
    assert len(caught.value.detail) < 200


@pytest.mark.parametrize(
    ("addition", "seq", "fields"),
    [
        ({"seq": 77, "type": "data", "version": 1}, 77, {}),  # H11
        ({"messageId": "118"}, 118, {}),  # H12
        ({"seqNumber": 5, "seq": 6, "messageId": 7}, 5, {}),
        ({"seqNumber": "null", "seq": 6}, 6, {}),
        (
            {"messageId": "ab0d40bd-dbc5-4076-b684-3f610d96e621"},
            None,
            {"messageId": "ab0d40bd-dbc5-4076-b684-3f610d96e621"},
        ),
        ({"seq": "7c"}, None, {"seq": "7c"}),
        ({"seq": -1, "messageId": 7.0}, None, {"seq": -1, "messageId": 7.0}),
        ({"avgSignal": "15", "signal": "12.5"}, None, {}),  # H18
        ({"snr": "1", "rssi": "2", "avgSnr": "3", "station": "4"}, None, {}),
    ],
)
def test_h11_h12_h18_the_count_by_other_names_and_words_that_are_no_values(
    addition: dict[str, Any], seq: int | None, fields: dict[str, Any]
) -> None:
    message = read_message(LEAST | addition)
    assert (message.seq, message.fields) == (seq, fields)


def test_h01_a_count_in_hex_digits_is_refused_and_never_read_as_another() -> None:
    with pytest.raises(BadRequest, match='seqNumber is "007c": a number is needed'):
        read_message(LEAST | {"seqNumber": "007c"})


def test_h24_an_out_of_band_frame_is_no_message() -> None:
    with pytest.raises(BadRequest, match="so send it to /sigfox/status"):
        read_message(LEAST | {"data": "OOB"})


def test_of_a_name_given_twice_the_last_counts() -> None:
    assert read_json(b'{"a":1,"a":2}') == {"a": 2}


def test_nesting_is_taken_up_to_its_bound() -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"

    orjson.dumps(read_json(nested(NESTING_MAX)))
    with pytest.raises(BadRequest, match="nested deeper"):
        read_json(nested(NESTING_MAX + 1))


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert read_json(orjson.dumps({"a": [[]] * 1000}))


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
        st.sampled_from(["null", "386625", "1639400000", PAYLOAD, "false", "1e400", "-0"]),
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=4,
)
names = st.sampled_from(
    [
        *("vehicleId", "device", "timestamp", "time", "rawdata", "data", "seqNumber", "state", "current"),
        *("indoor_temp", "location", "advanced", "encoded", "connectivity", "extra", ""),
    ]
)


@given(st.dictionaries(names, values))
def test_law_any_object_is_a_message_that_can_be_written_or_a_refusal(document: dict[str, Any]) -> None:
    try:
        message = read_message(read_json(orjson.dumps(LEAST | document)))
    except BadRequest as refusal:
        assert refusal.detail
    else:
        orjson.dumps(message.fields)
        assert 0 < message.time < 2**63
        assert len(message.payload or b"") <= 12


@given(st.binary(max_size=60))
def test_law_any_bytes_are_an_object_or_a_refusal(body: bytes) -> None:
    try:
        assert isinstance(read_json(body), dict)
    except BadRequest as refusal:
        assert refusal.error == "Body parsing error"
