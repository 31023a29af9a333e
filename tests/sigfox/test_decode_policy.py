"""Whose values count, field by field: evd's decoding of the payload, or the sender's (docs/design.md, Decoding)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from original_status import FRAME, HALVES, MEASURED

from evd.config.settings import FormatSettings
from evd.model.connectivity import SIGFOX, WLAN
from evd.model.measures import IMPLAUSIBLE, field_name
from evd.payload.formats import Formats
from evd.sigfox.decode_policy import DISAGREES, UNDECODED, UNREAD, decode
from evd.sigfox.message import read_message

SENSOR = FormatSettings(
    "code::uint:8 temp::int:16 door:3:bool:7 mode:3:uint:2::1 name:4:char:2",
    {"temp": {"scale": 0.1, "none": -32768}, "mode": {"enum": {"0": "parked", "1": "moving"}}},
)
FORMATS = Formats({"sensor": SENSOR}, "ev")
TRAILER = FORMATS.find("load::uint:8")

AS_SIGFOX_SENDS = MEASURED | HALVES


def decoded(
    fields: dict[str, Any], *, assigned: Any = None, default: Any = FORMATS.default, connectivity: int = SIGFOX
) -> tuple[dict[str, Any], str]:
    """The fields and the flags."""
    message = read_message({"vehicleId": "1", "timestamp": 1} | fields)
    result = decode(message, assigned, default, connectivity)
    assert bool(result.unexplained) is (DISAGREES in result.flags.split())
    return orjson.loads(result.fields), result.flags


# With a payload, by the default format


@pytest.mark.parametrize(
    ("fields", "expected", "flag"),
    [
        pytest.param({}, MEASURED, "", id="no values of the sender's"),
        pytest.param(AS_SIGFOX_SENDS, MEASURED, "", id="the default format's, halves as their bits"),
        pytest.param(MEASURED, MEASURED, "", id="the default format's, halves as numbers"),
        pytest.param({n: str(v) for n, v in AS_SIGFOX_SENDS.items()}, MEASURED, "", id="quoted"),
        pytest.param({"state": 0}, MEASURED, "", id="some of the default format's"),
        pytest.param({"indoor_temp": 20616}, MEASURED, "", id="the vehicle's spelling"),
        pytest.param({"advanced": True}, MEASURED | {"advanced": True}, "", id="what belongs to no format stays"),
        pytest.param({"location": "x"}, MEASURED | {"location": "x"}, "", id="a place belongs to no format either"),
        pytest.param(AS_SIGFOX_SENDS | {"state": 3}, MEASURED, DISAGREES, id="a contradiction is flagged, evd wins"),
        pytest.param(AS_SIGFOX_SENDS | {"indoor_temp": 20617}, MEASURED, DISAGREES, id="a contradicting half"),
        pytest.param({"state": 0, "range": 1}, MEASURED, DISAGREES, id="as many agree as do not"),
    ],
)
def test_with_a_payload_and_no_assigned_format(fields: dict[str, Any], expected: dict[str, Any], flag: str) -> None:
    assert decoded(fields | {"rawdata": FRAME}) == (expected, flag)


@pytest.mark.parametrize(
    "unknown",
    [
        {"max_current": 64},
        {"customData": {"a": 1}},
        {"customData": "x"},
        {"nbFrames": 3},
        {"nbFrames": "3"},
        {"name": "Octavia"},
        {"voltage": 3.61},
        {"tank": 7},
        {"moving": True},
        {"foo": "bar", "nested": {"a": [1, 2]}},
        {f"key{number}": number for number in range(20)},
    ],
    ids=str,
)
def test_unknown_keys_beside_the_formats_change_nothing_else(unknown: dict[str, Any]) -> None:
    """The original's callback with one key more gave 20616 degrees."""
    assert decoded(AS_SIGFOX_SENDS | unknown | {"rawdata": FRAME}) == (MEASURED | unknown, "")
    said = AS_SIGFOX_SENDS | {"state": 3} | unknown
    assert decoded(said | {"rawdata": FRAME}) == (MEASURED | unknown, DISAGREES)


def test_the_layout_of_the_originals_web_page() -> None:
    """Outdoor and indoor temperature where the format has consumption and indoor temperature; 4300 is 3.5."""
    same = {name: value for name, value in AS_SIGFOX_SENDS.items() if name != "elec_consumption"}
    said = same | {"outdoor_temperature": 17152, "rawdata": "130a4c0f594e427e43005088"}
    expected = {name: value for name, value in MEASURED.items() if name != "elec_consumption"}
    assert decoded(said) == (expected | {"outdoor_temperature": 3.5}, ""), "3.5 is no consumption beside"
    assert decoded(said, assigned=FORMATS.find("ev"))[0]["elec_consumption"] == 3.5, "whose format it is, has it so"


@pytest.mark.parametrize("name", ["outdoor_temp", "outdoor_temperature", "desired_temp"])
@pytest.mark.parametrize("assigned", [None, "ev", "sensor"])
def test_a_half_beside_the_formats_fields_is_a_half(name: str, assigned: str | None) -> None:
    said = AS_SIGFOX_SENDS | {name: 17152, "rawdata": FRAME}
    fields, _ = decoded(said, assigned=FORMATS.find(assigned) if assigned else None)
    assert fields[field_name(name)] == 3.5


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"tank": 7}, {"tank": 7}),
        ({"tank": "7"}, {"tank": "7"}),
        ({"open": "true"}, {"open": "true"}),
        ({"tank": {"value": 7}}, {"tank": {"value": 7}}),
        ({"outdoor_temp": 17152}, {"outdoor_temperature": 3.5}),
        ({"tank": 7, "name": "x", "location": "1,2"}, {"tank": 7, "name": "x", "location": "1,2"}),
    ],
)
def test_numbers_of_which_the_format_has_none_are_another_grammars(
    fields: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert decoded(fields | {"rawdata": FRAME}) == (kept, UNDECODED)


@pytest.mark.parametrize("fields", [{"name": "Octavia"}, {"customData": {"a": "b"}}, {"note": ""}, {"tags": []}])
def test_texts_say_nothing_of_another_grammar(fields: dict[str, Any]) -> None:
    assert decoded(fields | {"rawdata": FRAME}) == (fields | MEASURED, "")


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        pytest.param({"state": 3}, {"state": 3}, id="all that both have contradicts"),
        pytest.param({"state": 3, "range": 5, "current": 608}, {"state": 3, "range": 5, "current": 608}, id="most"),
        pytest.param({"state": 3, "indoor_temp": 19808}, {"state": 3, "indoor_temperature": 21.5}, id="with a half"),
        pytest.param({"state": 3, "tank": 7}, {"state": 3, "tank": 7}, id="with a name of the sender's own"),
    ],
)
def test_a_payload_that_bears_out_less_than_half_is_another_grammars(
    fields: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert decoded(fields | {"rawdata": FRAME}) == (kept, DISAGREES)


def test_a_value_for_which_the_payload_is_too_short_is_another_grammars() -> None:
    """Two bytes, glued to a decimal by the template (field-cases H22)."""
    assert decoded({"data": "1705", "indoor_temp": "23.5"}) == ({"indoor_temperature": 23.5}, DISAGREES)
    assert decoded({"data": "130a", "state": 0, "current_charge": 76, "indoor_temp": None})[1] == ""


def test_a_field_past_the_payloads_end_is_null() -> None:
    fields, _ = decoded({"rawdata": FRAME[:4]})
    assert (fields["state"], fields["current_charge"], fields["indoor_temperature"]) == (0, 76, None)
    assert decoded({"rawdata": ""})[0] == dict.fromkeys(MEASURED)


# With a payload, by an assigned format


@pytest.mark.parametrize(
    ("fields", "expected", "flag"),
    [
        pytest.param({}, {"load": 0x13}, "", id="no values of the sender's"),
        pytest.param({"load": 0x13}, {"load": 0x13}, "", id="the same"),
        pytest.param({"load": "19"}, {"load": 0x13}, "", id="the same, quoted"),
        pytest.param({"load": {"value": "19"}}, {"load": 0x13}, "", id="the same, in an object"),
        pytest.param({"load": 1}, {"load": 0x13}, DISAGREES, id="a contradiction"),
        pytest.param({"tank": 7}, {"tank": 7, "load": 0x13}, "", id="foreign names stay beside"),
    ],
)
def test_an_assigned_format_always_wins(fields: dict[str, Any], expected: dict[str, Any], flag: str) -> None:
    assert decoded(fields | {"rawdata": FRAME}, assigned=TRAILER) == (expected, flag)


SENSED = {"code": 67, "temp": 35.0, "door": True, "mode": "moving", "name": "12"}


@pytest.mark.parametrize(
    ("fields", "flag"),
    [
        pytest.param(SENSED, "", id="as evd gives them"),
        pytest.param({"temp": 350, "mode": 1, "door": 1}, "", id="as Sigfox gives them: no scale and no name"),
        pytest.param({"temp": "350", "mode": "1", "door": "true"}, "", id="quoted"),
        pytest.param({"name": "12", "code": 67}, "", id="a text of digits"),
        pytest.param({"temp": 35.01, "mode": "moving"}, "", id="fewer digits"),
        pytest.param({"temp": 351}, DISAGREES, id="another number"),
        pytest.param({"mode": "parked"}, DISAGREES, id="another name"),
        pytest.param({"door": "false"}, DISAGREES, id="another flag"),
    ],
)
def test_a_value_agrees_as_evd_or_as_sigfox_gives_it(fields: dict[str, Any], flag: str) -> None:
    assert decoded(fields | {"data": "43015e813132"}, assigned=FORMATS.find("sensor")) == (SENSED, flag)


def test_a_number_that_is_no_value_is_none_whoever_says_it() -> None:
    sensor = FORMATS.find("sensor")
    nothing = dict.fromkeys(("temp", "door", "mode", "name"))
    for said in ({}, {"temp": -32768}, {"temp": "-32768"}, {"temp": None}, {"temp": "null"}):
        assert decoded(said | {"data": "438000"}, assigned=sensor) == ({"code": 67} | nothing, "")
    assert decoded({"temp": 20, "data": "438000"}, assigned=sensor) == ({"code": 67} | nothing, DISAGREES)


def test_what_an_assigned_format_finds_no_room_for_is_the_senders() -> None:
    fields, flags = decoded({"data": "43", "temp": 20, "code": 67}, assigned=FORMATS.find("sensor"))
    assert (fields["code"], fields["temp"], flags) == (67, 20, DISAGREES)


# Plausible values


@pytest.mark.parametrize(
    ("fields", "connectivity", "implausible"),
    [
        ({"current_charge": 65535}, WLAN, {"current_charge": 65535}),  # E02
        ({"current_charge": -1, "target_charge": 101}, SIGFOX, {"current_charge": -1, "target_charge": 101}),
        ({"range": 65535, "elapsed_time": 65535}, WLAN, {"range": 65535, "elapsed_time": 65535}),
        ({"current": 10**12}, WLAN, {"current": 10**12}),
        ({"indoor_temp": 20616, "encoded": False}, SIGFOX, {"indoor_temperature": 20616}),
        ({"indoor_temp": -3276.8}, WLAN, {"indoor_temperature": -3276.8}),
        ({"data": "1f8a4c0f594e427e4bb45088"}, SIGFOX, {"current_charge": 126}),
        ({"data": "130a4c0f594e427e4bb47bff"}, SIGFOX, {"indoor_temperature": 65504.0}),
    ],
)
def test_what_is_not_plausible_is_kept_apart_and_flagged(
    fields: dict[str, Any], connectivity: int, implausible: dict[str, Any]
) -> None:
    shown, flags = decoded(fields, connectivity=connectivity)
    assert shown[IMPLAUSIBLE] == implausible
    assert [shown[name] for name in implausible] == [None] * len(implausible)
    assert flags == IMPLAUSIBLE


@pytest.mark.parametrize(
    "fields",
    [
        {"current_charge": 0, "target_charge": 100, "current": -300, "range": 2047, "max_current": 1000},
        {"elapsed_time": 8191, "remain_time": 8191, "elec_consumption": 60000.0, "indoor_temp": -40.0},
        {"state": 9, "odometer": 10**9, "location": "91,0"},
    ],
)
def test_what_a_vehicle_may_say_is_plausible(fields: dict[str, Any]) -> None:
    assert decoded(fields, connectivity=WLAN)[1] == ""


def test_a_sender_who_has_what_is_not_plausible_like_the_payload_does_not_contradict_it() -> None:
    fields, flags = decoded({"data": "1f8a", "current_charge": 126})
    assert (fields["current_charge"], fields[IMPLAUSIBLE], flags) == (None, {"current_charge": 126}, IMPLAUSIBLE)
    _, flags = decoded({"data": "1f8a", "current_charge": 126, "state": 3})
    assert flags == f"{DISAGREES} {IMPLAUSIBLE}"


def test_a_format_has_its_own_bounds_or_another_unit() -> None:
    formats = Formats(
        {
            "tight": FormatSettings("current::int:16 load::uint:8", {"current": {"max": 5}, "load": {"min": 1}}),
            "mA": FormatSettings("current::int:16 current_charge::uint:8", {"current": {"unit": "mA"}}),
        },
        "ev",
    )
    tight, milli = formats.find("tight"), formats.find("mA")
    assert decoded({"data": "000600"}, assigned=tight)[0][IMPLAUSIBLE] == {"current": 6, "load": 0}
    assert decoded({"data": "8000"}, assigned=tight) == ({"current": -32768, "load": None}, "")
    assert decoded({"current_charge": 101}, assigned=tight)[0][IMPLAUSIBLE] == {"current_charge": 101}
    assert decoded({"data": "7fff64"}, assigned=milli) == ({"current": 32767, "current_charge": 100}, "")
    assert decoded({"data": "7fff65"}, assigned=milli)[1] == IMPLAUSIBLE, "% are % by any format"


def test_a_sender_cannot_say_himself_what_is_implausible() -> None:
    assert decoded({"implausible": {"state": 1}, "range": 5}, connectivity=WLAN) == ({"range": 5}, "")


def test_a_location_that_may_be_two_places_is_flagged() -> None:
    point = {"type": "Point", "coordinates": [40.71427, -74.00597]}
    assert decoded({"location": point, "range": 5}, connectivity=WLAN) == ({"range": 5}, UNREAD)
    assert decoded({"location": point, "data": FRAME}) == (MEASURED, UNREAD)


# Without a payload


@pytest.mark.parametrize(
    ("connectivity", "encoded", "expected"),
    [(SIGFOX, None, 36.25), (SIGFOX, True, 36.25), (WLAN, None, 36.25), (WLAN, True, 36.25), (WLAN, "true", 36.25)],
)
def test_without_a_payload_halves_are_read_unless_the_sender_says_otherwise(
    connectivity: int, encoded: Any, expected: float
) -> None:
    fields = {"indoor_temp": 20616, "odometer": 19380, "encoded": encoded}
    assert decoded(fields, connectivity=connectivity) == ({"indoor_temperature": expected, "odometer": 19380}, "")


@pytest.mark.parametrize(("encoded", "expected"), [(False, 21), ("false", 21), (None, 21), (True, 21 * 2.0**-24)])
def test_by_wlan_21_is_21_degrees_unless_the_sender_calls_it_a_half(encoded: Any, expected: float) -> None:
    fields = {"indoor_temp": 21, "encoded": encoded}
    assert decoded(fields, connectivity=WLAN) == ({"indoor_temperature": expected}, "")


def test_a_float_is_never_a_half() -> None:
    assert decoded({"indoor_temp": 21.5}) == ({"indoor_temperature": 21.5}, "")


def test_without_a_payload_an_assigned_format_has_nothing_to_say() -> None:
    assert decoded({"load": 1}, assigned=TRAILER) == ({"load": 1}, "")
