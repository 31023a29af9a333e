"""The kinds of callback: the recorded ones, what tells a kind apart, and what each must have."""

from __future__ import annotations

from typing import Any

import pytest
from callback_files import BATCH, Recorded, recorded, routes, summary

from evd.errors import BadRequest
from evd.sigfox.kind_recognition import kind_of, require
from evd.sigfox.kinds.registry import KINDS

ALL = [callback for route in routes() for callback in recorded(route)]
HEAD = {"device": "386625", "time": 1639400000}


def test_each_kind_has_its_recorded_callbacks() -> None:
    assert set(routes()) == {*KINDS, BATCH}
    assert all(len(recorded(route)) >= 20 for route in routes())


@pytest.mark.parametrize("callback", ALL, ids=lambda callback: f"{callback.route}: {callback.name}")
def test_a_callback_on_its_kinds_route(callback: Recorded) -> None:
    expected = {name: value for name, value in callback.expect.items() if name != "kind"}
    found = summary(callback, callback.route)
    assert {name: found.get(name) for name in expected} == expected
    assert ("error" in found) == ("error" in expected)


@pytest.mark.parametrize(
    "callback",
    [one for one in ALL if one.route != BATCH and "error" not in one.expect],
    ids=lambda callback: f"{callback.route}: {callback.name}",
)
def test_a_callback_on_the_route_for_all_kinds(callback: Recorded) -> None:
    expected = {"kind": callback.route} | callback.expect
    found = summary(callback, "")
    if expected["kind"] != callback.route:  # another kind by what it has: only the envelope is the same
        expected = {name: expected[name] for name in ("kind", "vehicle", "time", "seq")}
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    "callback",
    [one for one in ALL if one.route != BATCH and "error" in one.expect],
    ids=lambda callback: f"{callback.route}: {callback.name}",
)
def test_what_its_own_route_refuses_the_other_route_refuses_or_takes_for_something_else(callback: Recorded) -> None:
    found = summary(callback, "")
    assert "error" in found or found["kind"] != callback.route


LEGACY = {
    "snr": "18.73",
    "station": "1B2C",
    "avgSnr": "20.41",
    "lat": "48",
    "lng": "17",
    "rssi": "-118",
    "duplicate": "false",
}


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        ({"data": "00"}, "uplink"),
        ({"data": ""}, "uplink"),
        ({"data": "00"} | LEGACY, "uplink"),
        (LEGACY, "uplink"),
        ({"data": "00", "temp": 21.5, "batt": 3.6}, "uplink"),
        ({"data": "00", "radius": 5, "info": "x", "severity": "y", "eventType": "z"}, "uplink"),
        ({"data": None, "temp": None}, "uplink"),
        ({"state": 1}, "uplink"),
        ({"data": "00", "ack": False}, "bidir"),
        ({"data": "00", "ack": None}, "bidir"),
        ({"data": "00", "longPolling": "true"} | LEGACY, "bidir"),
        ({"batt": 3.3, "temp": 20}, "status"),
        ({"batt": "3.3"} | LEGACY, "status"),
        ({"batt": 3.3, "lqi": "GOOD", "operatorName": "x"}, "status"),
        ({"batt": None, "temp": "null"}, "status"),
        ({"batt": 3.3, "repeatedMsg": 4}, "repeater"),
        ({"data": "00", "lqi": "GOOD"}, "advanced"),
        ({"data": "00", "computedLocation": None}, "advanced"),
        ({"linkQuality": 1, "duplicates": []}, "advanced"),
        ({"lat": 48, "lng": 17, "radius": 5}, "geoloc"),
        ({"lat": 48, "lng": 17, "geolocSource": "NETWORK"}, "geoloc"),
        ({"infoCode": 0}, "acknowledge"),
        ({"infoCode": "0", "severity": "x", "info": "y"}, "acknowledge"),
        ({"severity": "WARN", "info": "x"}, "error"),
        ({"severity": "WARN", "info": "x", "eventType": "y"}, "event"),
        ({"kind": "DATA_ADVANCED", "data": "00"}, "advanced"),
        ({"kind": "SERVICE/DATA_ADVANCED"}, "advanced"),
        ({"kind": "data-advanced"}, "advanced"),
        ({"callbackType": "DATA/UPLINK", "lqi": 1}, "uplink"),
        ({"kind": "data", "lqi": 1}, "uplink"),
        ({"kind": "delivery van", "data": "00"}, "uplink"),
        ({"kind": "data", "ack": "true"}, "bidir"),
        ({"type": "UPLINK", "data": "00", "lqi": "GOOD"}, "uplink"),
        ({"type": "data", "data": "00", "lqi": "GOOD"}, "uplink"),
        ({"type": "data", "data": "00", "ack": False}, "bidir"),
        ({"type": "DATA", "subtype": "UPLINK", "data": "00", "lqi": 1}, "uplink"),
        ({"type": "SERVICE", "subtype": "DATA_ADVANCED", "data": "00"}, "advanced"),
        ({"type": "srv_advanced", "data": "00"}, "advanced"),
        ({"type": "status", "batt": 3.3}, "status"),
        ({"type": "status", "data": "00"}, "uplink"),
        ({"type": "error", "data": "00"}, "uplink"),
        ({"data": "OOB", "batt": 3.3}, "status"),
        ({"type": 0, "subtype": 3}, "bidir"),
        ({"type": "1", "subtype": "6"}, "advanced"),
        ({"type": 2, "subtype": 0, "info": "x"}, "error"),
        ({"type": 2, "subtype": None, "info": "x"}, "error"),
        ({"type": 2, "data": "00"}, "uplink"),
        ({"type": 7, "subtype": 7, "data": "00"}, "uplink"),
        ({"type": ["a"], "subtype": {}, "data": "00"}, "uplink"),
    ],
)
def test_a_kind_is_recognised_by_its_variables(variables: dict[str, Any], kind: str) -> None:
    assert kind_of(HEAD | variables) == kind


def test_a_status_document_of_the_original_system_is_an_uplink() -> None:
    assert kind_of({"vehicleId": "386625", "timestamp": 1639400000}) == "uplink"


@pytest.mark.parametrize("document", [{}, HEAD, HEAD | {"seqNumber": 1, "deviceTypeId": "5d8c"}])
def test_where_nothing_identifies_the_kind_the_refusal_names_what_would(document: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=r"lacks data \(a message\)") as caught:
        kind_of(document)
    assert caught.value.error == "Missing basic attributes"


def test_what_is_missing_is_named_all_at_once() -> None:
    with pytest.raises(BadRequest, match=r"\(acknowledge\) lacks device or deviceId or vehicleId, infoCode") as caught:
        require("acknowledge", {"time": 1, "infoCode": "null", "device": ""})
    assert caught.value.error == "Missing basic attributes"
    assert caught.value.detail.endswith("infoCode: no value stands under device, infoCode")


@pytest.mark.parametrize("said", ["DATA_BURST", "data/burst", "SERVICE/DATA_BURST", "data_burst"])
def test_a_kind_may_begin_with_the_word_of_its_group(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "data_burst", KINDS["uplink"])  # type: ignore[attr-defined]
    assert kind_of({"callbackType": said, "device": "386625", "time": 1, "data": "13"}) == "data_burst"
