"""The status document: normal forms, half floats, identity, and what the app is given."""

from __future__ import annotations

import string
import struct
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import BadRequest
from evd.status import (
    MEASURES,
    TIME_MAX_MS,
    canonical,
    disagree,
    field_name,
    for_app,
    half,
    halves,
    identity,
    time_ms,
    vehicle_id,
)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("386625", "386625"),
        ("00386625", "386625"),
        ("1ab2c", "1AB2C"),
        ("1AB2C", "1AB2C"),
        ("0", "0"),
        ("00000000", "0"),
        ("DEADBEEF", "DEADBEEF"),
        ("123456789", "123456789"),  # nine digits: no Sigfox id, and as it is
        ("000386625", "000386625"),
        ("0x12", "0x12"),  # no hex digits alone
        ("0X1f", "0X1f"),
        ("1_2", "1_2"),
        ("+12", "+12"),
        (" 12", " 12"),
        ("٣٨", "٣٨"),  # digits, but no hex digits of Sigfox
        ("caravan", "caravan"),
        ("Güllewagen 7", "Güllewagen 7"),
        ("x" * 64, "x" * 64),
    ],
)
def test_the_normal_form_of_a_vehicle(written: str, normal: str) -> None:
    assert vehicle_id(written) == normal
    assert vehicle_id(normal) == normal


@pytest.mark.parametrize("written", ["", "x" * 65, "a\nb", "a\0b", "\u202e12", "\ud800"])
def test_a_vehicle_has_1_to_64_printable_characters(written: str) -> None:
    with pytest.raises(BadRequest, match="1 to 64 printable characters"):
        vehicle_id(written)


@given(st.text(string.hexdigits, min_size=1, max_size=8))
def test_law_case_and_leading_zeros_name_the_same_vehicle(text: str) -> None:
    assert vehicle_id(text) == vehicle_id(text.lower()) == vehicle_id(text.upper()) == vehicle_id(text.zfill(8))


@pytest.mark.parametrize(
    ("given_time", "ms"),
    [
        (1639400000, 1639400000000),  # Sigfox: seconds
        (1639400000123, 1639400000123),  # WLAN: milliseconds
        (1639400000.5, 1639400000500),
        (1, 1000),
        (10**11, 10**14),  # the last that is seconds
        (10**11 + 1, 10**11 + 1),  # the first that is milliseconds
        (TIME_MAX_MS, TIME_MAX_MS),
    ],
)
def test_times_are_seconds_or_milliseconds_by_their_size(given_time: float, ms: int) -> None:
    assert time_ms(given_time) == ms


@pytest.mark.parametrize("given_time", [0, -1, -1639400000, TIME_MAX_MS + 1, 1e300, 2**64, 0.0001])
def test_a_time_out_of_range_is_refused(given_time: float) -> None:
    with pytest.raises(BadRequest, match="out of range"):
        time_ms(given_time)


@pytest.mark.parametrize(
    ("bits", "value"),
    [(19380, 15.40625), (20616, 36.25), (0, 0.0), (0x3C00, 1.0), (0xBC00, -1.0), (0x7C00, None), (0x7E00, None)],
)
def test_half_floats(bits: int, value: float | None) -> None:
    assert half(bits) == value


@given(st.integers(0, 0xFFFF))
def test_law_every_half_is_itself_or_nothing(bits: int) -> None:
    value = half(bits)
    if value is None:
        assert bits & 0x7C00 == 0x7C00, "only infinities and NaNs have no value"
    else:
        assert struct.pack(">e", value) == bits.to_bytes(2, "big")


def test_only_whole_numbers_in_half_float_fields_are_halves() -> None:
    fields = {
        "elec_consumption": 19380,
        "indoor_temperature": 20616,
        "outdoor_temperature": 21.5,
        "desired_temperature": 70_000,
        "range": 19380,
        "unheard_of": 19380,
    }
    assert halves(fields) == fields | {"elec_consumption": 15.40625, "indoor_temperature": 36.25}
    assert halves({"indoor_temperature": True}) == {"indoor_temperature": True}


def test_both_spellings_of_a_temperature_are_the_apps() -> None:
    for where in ("indoor", "outdoor", "desired"):
        assert field_name(f"{where}_temp") == field_name(f"{where}_temperature") == f"{where}_temperature"
    assert field_name("state") == "state"
    assert field_name("unheard_of") == "unheard_of"


@pytest.mark.parametrize(
    ("given_fields", "decoded", "expected"),
    [
        ({"state": 1}, {"state": 1}, False),
        ({"state": 1}, {"state": 2}, True),
        ({"indoor_temperature": 20616}, {"indoor_temperature": 36.25}, False),
        ({"indoor_temperature": 36.25}, {"indoor_temperature": 36.25}, False),
        ({"indoor_temperature": 36.2501}, {"indoor_temperature": 36.25}, False),
        ({"indoor_temperature": 20617}, {"indoor_temperature": 36.25}, True),
        ({"location": "here"}, {"state": 1}, False),  # not of the payload
        ({"state": None}, {"state": 1}, False),
        ({"state": 1}, {"state": None}, True),
        ({"state": "1"}, {"state": 1}, True),
    ],
)
def test_when_a_sender_contradicts_the_payload(
    given_fields: dict[str, Any], decoded: dict[str, Any], expected: bool
) -> None:
    assert disagree(given_fields, decoded) is expected


def test_an_id_is_16_hex_digits_and_the_same_for_ever() -> None:
    known = identity("data", "386625", 1639400000000, 118, bytes.fromhex("130a4c0f594e427e4bb45088"))
    assert known == identity("data", "386625", 1639400000000, 118, bytes.fromhex("130a4c0f594e427e4bb45088"))
    assert len(known) == 16
    assert set(known) <= set("0123456789abcdef")


def test_an_id_depends_on_each_of_its_parts() -> None:
    base: tuple[Any, ...] = ("data", "386625", 1639400000000, 118, b"\x01")
    others: tuple[tuple[Any, ...], ...] = (
        ("advanced", *base[1:]),
        ("data", "386626", *base[2:]),
        ("data", "386625", 1639400000001, *base[3:]),
        (*base[:3], 119, b"\x01"),
        (*base[:3], None, b"\x01"),
        (*base[:4], b"\x02"),
        (*base[:4], b""),
        ("data", "38662", 51639400000000, 118, b"\x01"),
    )
    assert len({identity(*parts) for parts in (base, *others)}) == 1 + len(others)


def test_without_a_payload_the_values_stand_for_it_in_any_order() -> None:
    assert canonical({"a": 1, "b": 2.5}) == canonical({"b": 2.5, "a": 1})
    assert canonical({"a": 1}) != canonical({"a": 2})
    assert canonical({}) != b""


def app_document(fields: dict[str, Any], **others: Any) -> dict[str, Any]:
    given_parts: dict[str, Any] = {
        "status_id": "0123456789abcdef",
        "vehicle": "00386625",
        "time": 1639400000000,
        "connectivity": 1,
        "seq": 118,
        "payload": b"\x13\x0a",
    }
    return for_app(fields=fields, **given_parts | others)


def test_what_the_app_is_given() -> None:
    assert app_document(
        {"state": 0, "range": 638, "elec_consumption": 15.40625, "location": "", "advanced": False}
    ) == {
        "id": "0123456789abcdef",
        "vehicleId": "00386625",
        "timestamp": 1639400000000,
        "connectivity": 1,
        "seqNumber": 118,
        "rawdata": "130a",
        "state": 0,
        "range": 638,
        "elec_consumption": 15.40625,
        "location": "",
        "advanced": False,
    }


def test_what_is_not_there_is_left_out() -> None:
    document = app_document({"state": 1, "indoor_temperature": None}, seq=None, payload=None)
    assert document.keys() == {"id", "vehicleId", "timestamp", "connectivity", "state"}
    assert app_document({}, payload=b"")["rawdata"] == ""


@pytest.mark.parametrize(("raw", "given_state"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 2), (7, 2), (-1, 2), (None, 2)])
def test_the_app_knows_four_states_the_rest_is_idle(raw: int | None, given_state: int) -> None:
    assert app_document({"state": raw})["state"] == given_state


def test_a_status_without_a_state_is_idle_to_the_app() -> None:
    assert app_document({"range": 1})["state"] == 2


@pytest.mark.parametrize("fields", [{"vehicleId": "other"}, {"id": "x"}, {"timestamp": 1}, {"connectivity": 9}])
def test_no_field_can_pass_for_the_envelope(fields: dict[str, Any]) -> None:
    assert app_document(fields).items() >= app_document({}).items()


def test_integers_that_json_readers_would_round_are_texts() -> None:
    assert app_document({"odometer": 2**53})["odometer"] == 2**53
    assert app_document({"odometer": 2**53 + 1})["odometer"] == "9007199254740993"


def test_whole_numbers_for_an_app_with_java_ints() -> None:
    fields = {"state": 1, "current": 32.5, "max_current": 64.0, "elec_consumption": 15.4}
    assert app_document(fields)["current"] == 32.5
    document = app_document(fields, whole_numbers=True)
    assert orjson.dumps([document[name] for name in ("current", "max_current", "elec_consumption")]) == b"[32,64,15.4]"


def test_every_measure_of_the_original_is_known() -> None:
    assert set(MEASURES) == {
        *("state", "current_charge", "target_charge", "current", "elapsed_time", "remain_time", "range"),
        *("elec_consumption", "indoor_temperature", "outdoor_temperature", "desired_temperature"),
        *("max_current", "location", "advanced"),
    }
    assert {name for name, measure in MEASURES.items() if not measure.unit} == {"state", "location", "advanced"}
