"""Whose values count: evd's decoding of the payload, or the sender's (DESIGN, normal forms)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from evd.decoding import DISAGREES, Decoded, decode
from evd.formats import Formats
from evd.sigfox import read_message
from evd.status import SIGFOX, WLAN

FORMATS = Formats({}, "ev")
TRAILER = FORMATS.find("load::uint:8")

PAYLOAD = "130a4c0f594e427e4bb45088"
DECODED = {
    "state": 0,
    "current_charge": 76,
    "target_charge": 20,
    "current": 608,
    "elapsed_time": 3929,
    "remain_time": 2504,
    "range": 638,
    "elec_consumption": 15.40625,
    "indoor_temperature": 36.25,
}
AS_SIGFOX_SENDS = DECODED | {"elec_consumption": 19380, "indoor_temperature": 20616}


def decoded(fields: dict[str, Any], *, assigned: Any = None, connectivity: int = SIGFOX) -> tuple[dict[str, Any], str]:
    message = read_message({"vehicleId": "1", "timestamp": 1} | fields)
    result: Decoded = decode(message, assigned, FORMATS.default, connectivity)
    return orjson.loads(result.fields), result.flag


@pytest.mark.parametrize(
    ("fields", "expected", "flag"),
    [
        pytest.param({}, DECODED, "", id="no values of the sender's"),
        pytest.param(AS_SIGFOX_SENDS, DECODED, "", id="the default format's, halves as their bits"),
        pytest.param(DECODED, DECODED, "", id="the default format's, halves as numbers"),
        pytest.param({"state": 0}, DECODED, "", id="some of the default format's"),
        pytest.param({"indoor_temp": 20616}, DECODED, "", id="the vehicle's spelling"),
        pytest.param({"advanced": True}, DECODED | {"advanced": True}, "", id="what belongs to no format stays"),
        pytest.param({"location": "x"}, DECODED | {"location": "x"}, "", id="a place belongs to no format either"),
        pytest.param(AS_SIGFOX_SENDS | {"state": 3}, DECODED, DISAGREES, id="a contradiction is flagged, evd wins"),
        pytest.param(AS_SIGFOX_SENDS | {"indoor_temp": 20617}, DECODED, DISAGREES, id="a contradicting half"),
        pytest.param({"tank": 7}, {"tank": 7}, "", id="another format's names: the sender's values stand"),
        pytest.param(
            AS_SIGFOX_SENDS | {"tank": 7}, AS_SIGFOX_SENDS | {"tank": 7}, "", id="one foreign name is another format"
        ),
    ],
)
def test_with_a_payload_and_no_assigned_format(fields: dict[str, Any], expected: dict[str, Any], flag: str) -> None:
    assert decoded(fields | {"rawdata": PAYLOAD}) == (expected, flag)


@pytest.mark.parametrize(
    ("fields", "expected", "flag"),
    [
        pytest.param({}, {"load": 0x13}, "", id="no values of the sender's"),
        pytest.param({"load": 0x13}, {"load": 0x13}, "", id="the same"),
        pytest.param({"load": 1}, {"load": 0x13}, DISAGREES, id="a contradiction"),
        pytest.param({"tank": 7}, {"tank": 7, "load": 0x13}, "", id="foreign names stay beside"),
    ],
)
def test_an_assigned_format_always_wins(fields: dict[str, Any], expected: dict[str, Any], flag: str) -> None:
    assert decoded(fields | {"rawdata": PAYLOAD}, assigned=TRAILER) == (expected, flag)


def test_a_field_past_the_payloads_end_is_null() -> None:
    fields, _ = decoded({"rawdata": PAYLOAD[:4]})
    assert (fields["state"], fields["current_charge"], fields["indoor_temperature"]) == (0, 76, None)
    assert decoded({"rawdata": ""})[0] == dict.fromkeys(DECODED)


@pytest.mark.parametrize(
    ("connectivity", "encoded", "expected"),
    [
        (SIGFOX, None, 36.25),
        (SIGFOX, True, 36.25),
        (SIGFOX, False, 20616),
        (SIGFOX, "false", 20616),
        (WLAN, None, 20616),
        (WLAN, True, 20616),
    ],
)
def test_without_a_payload_halves_come_by_sigfox_unless_the_sender_says_otherwise(
    connectivity: int, encoded: Any, expected: float
) -> None:
    fields = {"indoor_temp": 20616, "range": 19380, "encoded": encoded}
    assert decoded(fields, connectivity=connectivity) == ({"indoor_temperature": expected, "range": 19380}, "")


def test_a_float_is_never_a_half() -> None:
    assert decoded({"indoor_temp": 21.5}) == ({"indoor_temperature": 21.5}, "")


def test_without_a_payload_an_assigned_format_has_nothing_to_say() -> None:
    assert decoded({"load": 1}, assigned=TRAILER) == ({"load": 1}, "")
