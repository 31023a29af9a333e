"""What senders' values become for the original's app: every answer and push is read by a table of its types.

Real templates, devices and bodies (ids of reference/field-cases.json, and the value cases of original-answers.json),
each of a vehicle of its own, over sockets through a running evd to a fake FCM, and back by the app's questions.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import httpx
import pytest
from app_types import read_members, read_status
from builders import rows
from chain import Fcm, app, fake_fcm, whole_chain
from daemon_process import EVENT_S, RunningDaemon
from original_status import MEASURED, SIGFOX_SAYS, SIMULATOR_READ, SIMULATOR_SAYS

TIME = 1_639_400_000
ORIGINAL_READ = {"advanced": False, **MEASURED}
SIGFOX, WLAN = "/v3/sigfox/uplink", "/v3/wlan"


class Case(NamedTuple):
    """What is sent, what the app has of it beside its envelope, the status's flags, and what else its fields hold."""

    route: str
    body: dict[str, Any]
    read: dict[str, Any]
    flags: str = ""
    kept: Mapping[str, Any] = MappingProxyType({})


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


CASES: dict[str, Case] = {
    "the original's callback": Case(SIGFOX, SIGFOX_SAYS, ORIGINAL_READ),
    "the original's callback, quoted": Case(
        SIGFOX, {name: str(value).lower() for name, value in SIGFOX_SAYS.items()}, ORIGINAL_READ
    ),
    "the simulator's post": Case(WLAN, SIMULATOR_SAYS, SIMULATOR_READ, kept={"current": 32.5, "max_current": 64.0}),
    **{
        f"the original's callback and {name}": Case(
            SIGFOX, SIGFOX_SAYS | {name: value}, ORIGINAL_READ | read, kept=kept
        )
        for name, value, read, kept in (
            ("max_current", 64, {"max_current": 64}, {}),
            ("customData", {"a": 1}, {}, {"customData": {"a": 1}}),
            ("nbFrames", 3, {}, {"nbFrames": 3}),
            ("name", "Octavia", {}, {"name": "Octavia"}),
            ("voltage", 3.61, {}, {"voltage": 3.61}),
            ("outdoor_temp", 17152, {"outdoor_temperature": 3.5}, {}),
        )
    },
    "the web page's layout": Case(
        SIGFOX,
        without(SIGFOX_SAYS, "elec_consumption", "indoor_temp")
        | {"rawdata": "130a4c0f594e427e43004d60", "outdoor_temperature": 17152, "indoor_temperature": 19808},
        without(ORIGINAL_READ, "elec_consumption") | {"outdoor_temperature": 3.5, "indoor_temperature": 21.5},
    ),
    "the web page's layout over another payload": Case(
        SIGFOX,
        without(SIGFOX_SAYS, "elec_consumption") | {"outdoor_temperature": 17152},
        ORIGINAL_READ | {"outdoor_temperature": 3.5},
    ),
    "halves by WLAN, said": Case(
        WLAN,
        {"encoded": True, "indoor_temp": 19744, "elec_consumption": 19380},
        {"indoor_temperature": 20.5, "elec_consumption": 15.40625},
    ),
    "halves by WLAN, unsaid": Case(WLAN, {"indoor_temp": 19808}, {"indoor_temperature": 21.5}),
    "21 degrees by WLAN": Case(WLAN, {"encoded": False, "indoor_temp": 21}, {"indoor_temperature": 21}),
    "a contradiction": Case(SIGFOX, SIGFOX_SAYS | {"state": 3}, ORIGINAL_READ, "disagrees"),
    "no value at all": Case(SIGFOX, {"data": ""}, {}),
    "the least": Case(SIGFOX, {"connectivity": 1}, {}),
    "nulls": Case(
        SIGFOX,
        {"state": 1, "current_charge": 33, "location": None, "indoor_temp": None},
        {"state": 1, "current_charge": 33},
    ),
    **{f"state {state}": Case(WLAN, {"state": state}, {"state": 2}, kept={"state": state}) for state in (4, 7, 9)},
    "state 1.0": Case(WLAN, {"state": 1.0}, {"state": 1}),
    "charge 76.5": Case(WLAN, {"current_charge": 76.5}, {"current_charge": 76}, kept={"current_charge": 76.5}),
    "-20 A": Case(
        WLAN, {"state": 3, "current": -20, "max_current": 300}, {"state": 3, "current": -20, "max_current": 300}
    ),
    "a placeholder": Case(WLAN, {"location": "placeholder location"}, {}, kept={"location": "placeholder location"}),
    "a town": Case(WLAN, {"location": "Zilina, Slovakia"}, {}, kept={"location": "Zilina, Slovakia"}),
    "off the map": Case(WLAN, {"location": "91.0,17.1"}, {}),
    "a location in blanks": Case(WLAN, {"location": " 48.1 , 17.1 "}, {"location": "48.1,17.1"}),
    "a location as an object": Case(WLAN, {"location": {"lat": 48.1, "lng": 17.1}}, {"location": "48.1,17.1"}),
    "E02 65535 %": Case(
        WLAN,
        {"state": 2, "current_charge": 65535, "range": 211},
        {"state": 2, "range": 211},
        "implausible",
        {"current_charge": None, "implausible": {"current_charge": 65535}},
    ),
    "E02 250 %": Case(WLAN, {"current_charge": 250}, {}, "implausible", {"implausible": {"current_charge": 250}}),
    "E02 a payload of 126 %": Case(
        SIGFOX, {"data": "1f8a"}, {"state": 0}, "implausible", {"implausible": {"current_charge": 126}}
    ),
    "10^12 A": Case(WLAN, {"current": 10**12}, {}, "implausible", {"implausible": {"current": 10**12}}),
    "NaN and infinity as halves": Case(
        SIGFOX,
        SIGFOX_SAYS | {"rawdata": "130a4c0f594e427e7e007c00", "elec_consumption": 32256, "indoor_temp": 31744},
        without(ORIGINAL_READ, "elec_consumption", "indoor_temperature"),
    ),
    "H02 unreplaced customData": Case(
        SIGFOX,
        {
            "data": "20945376e9713269569a16cd",
            "Type": "{customData#Type}",
            "InTrip": "{customData#InTrip}",
            "Lat": "{customData#Lat}",
            "location": "{customData#Lat},{customData#Lng}",
            "range": "{range}",
            "more": {"a": ["{customData#a}"]},
        },
        {  # what evd makes of it without these names
            "state": 1,
            "current_charge": 2,
            "target_charge": 40,
            "current": 667,
            "elapsed_time": 5865,
            "remain_time": 3622,
            "range": 617,
            "elec_consumption": 105.625,
            "indoor_temperature": 0.0016603469848632812,
        },
        kept={"Type": None, "InTrip": None, "Lat": None, "location": None, "more": {"a": [None]}},
    ),
    "H09 GeoJSON, the latitude first": Case(
        SIGFOX,
        {
            "data": "6adb22420e0394c2221a0f",
            "location": {"type": "Point", "coordinates": [40.71427, -74.00597]},
            "temperature": "34",
            "humidity": "26",
            "status": "15",
        },
        {},
        "undecoded unread",
        {"location": None, "temperature": "34", "humidity": "26", "status": "15"},
    ),
    "H09 GeoJSON that can be one place only": Case(
        WLAN,
        {"location": {"type": "Point", "coordinates": [151.209, -33.868]}},
        {"location": "-33.868,151.209"},
    ),
    "H09 GeoJSON as a feature": Case(
        WLAN,
        {"location": {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-33.868, 151.209, 12.0]}}},
        {"location": "-33.868,151.209"},
    ),
    "H09 GeoJSON without a fix": Case(WLAN, {"location": {"type": "Point", "coordinates": ["NaN", "NaN"]}}, {}),
    "H14 values in objects": Case(
        SIGFOX, {"data1": {"value": "15"}, "data2": {"value": "8"}}, {}, kept={"data1": {"value": "15"}}
    ),
    "H14 known values in objects": Case(
        SIGFOX,
        {"current_charge": {"value": "76", "timestamp": 5}, "indoor_temp": {"value": 20616}, "range": {"value": None}},
        {"current_charge": 76, "indoor_temperature": 36.25},
    ),
    "H22 glued customData": Case(
        SIGFOX,
        {"data": "1705", "indoor_temp": "23.5", "outdoor_temp": "null.null"},
        {"indoor_temperature": 23.5},
        "disagrees",
        {"outdoor_temperature": None},
    ),
    "H22 glued, below zero": Case(SIGFOX, {"indoor_temp": "-1.5"}, {"indoor_temperature": -1.5}),
    "H22 glued, half a value": Case(SIGFOX, {"indoor_temp": "5.null", "state": 1, "note": "null;null"}, {"state": 1}),
    "H23 NaN, quoted as its refusal advises": Case(
        SIGFOX,
        {"lat": "NaN", "lon": "NaN", "indoor_temp": "NaN", "Timeout": 12},
        {},
        kept={"lon": None, "indoor_temperature": None, "Timeout": 12},
    ),
    "H23 -Infinity": Case(WLAN, {"range": "-Infinity", "state": 1}, {"state": 1}),
    "D12 a number that is no value": Case(
        SIGFOX,
        {"data": "43A2D18000", "format": "adeunis"},
        {},
        kept={"code": 67, "indoor_temperature": None, "implausible": None},
    ),
    "D12 a value": Case(SIGFOX, {"data": "43A2D1015E", "format": "adeunis"}, {"indoor_temperature": 35.0}),
}

SETTINGS = """
[formats.adeunis]
grammar = "code::uint:8 status::uint:8 cfg::uint:8 indoor_temp::int:16"
[formats.adeunis.fields.indoor_temp]
scale = 0.1
none = -32768

[formats.odd]
grammar = "state::uint:8 range:1:uint:8 advanced:1:bool:0 location:2:char:2 current:4:float:32"
[formats.odd.fields.state]
enum = { 1 = "charging" }
[formats.odd.fields.range]
scale = 0.5
"""
ODD = {"data": "016161624e800000", "format": "odd"}
CASES["an odd format under the app's names"] = Case(
    SIGFOX,
    ODD,
    {"range": 48, "advanced": True},
    "implausible",
    {"state": "charging", "range": 48.5, "location": "ab", "implausible": {"current": 2.0**30}},
)


class Said(NamedTuple):
    """A case as it went through evd."""

    case: Case
    status_id: str
    last: bytes
    range: bytes
    push: str
    fields: dict[str, Any]
    flags: str


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningDaemon, Fcm, dict[str, Said]]]:
    directory = tmp_path_factory.mktemp("app")
    with fake_fcm(directory) as fcm, whole_chain(directory, fcm, settings=SETTINGS) as daemon:
        yield daemon, fcm, dict(zip(CASES, said(daemon, fcm), strict=True))


def vehicle_of(number: int) -> str:
    return f"A{number:03d}"


def said(daemon: RunningDaemon, fcm: Fcm) -> list[Said]:
    admin = {"x-api-key": daemon.keys["admin"]}
    with httpx.Client(base_url=daemon.url, timeout=30) as client:
        ids = []
        for number, case in enumerate(CASES.values()):
            vehicle, body = vehicle_of(number), dict(case.body)
            format = body.pop("format", None)
            if format:
                answer = client.patch(f"/api/v1/vehicles/{vehicle}", json={"format": format}, headers=admin)
                assert answer.status_code == 200
            client.post("/api/v1/owners", json={"uid": "martin", "vehicle": vehicle}, headers=admin)
            wish = {"vehicleId": vehicle, "fcmToken": f"phone-{vehicle}", "register": True}
            assert app(daemon, "POST", f"/android/fcm-register?vehicleId={vehicle}", json=wish).status_code == 200
            key = {"x-api-key": daemon.keys["device" if case.route == WLAN else "sigfox"]}
            document = {"vehicleId": vehicle, "timestamp": TIME + number, "seqNumber": number, **body}
            answer = client.post(case.route, json=document, headers=key)
            assert answer.status_code == 201, (case, answer.text)
            ids.append(answer.headers["x-status-id"])
            again = client.post(case.route, json=document, headers=key)
            assert (again.status_code, again.headers["x-status-id"]) == (201, ids[-1])
    pushes = {message["token"]: message["data"]["serialized"] for message in fcm.sent(len(CASES))}
    found = []
    for number, (case, status_id) in enumerate(zip(CASES.values(), ids, strict=True)):
        vehicle = vehicle_of(number)
        last = app(daemon, "GET", f"/android/last?vehicleId={vehicle}")
        times = f"timeFrom=0&timeTo={(TIME + 10_000) * 1000}"
        whole = app(daemon, "GET", f"/android/range?vehicleId={vehicle}&{times}")
        ((fields, flags),) = rows(daemon.database, "SELECT fields, flags FROM ring WHERE vehicle = ?", vehicle)
        push = pushes[f"phone-{vehicle}"]
        found.append(Said(case, status_id, last.content, whole.content, push, json.loads(fields), flags))
    return found


Chain = tuple[RunningDaemon, Fcm, dict[str, Said]]


@pytest.mark.parametrize("name", CASES)
def test_the_app_reads_last_range_and_push_alike(chain: Chain, name: str) -> None:
    one = chain[2][name]
    read = read_status(one.last)
    envelope = {name: read.pop(name) for name in ("id", "vehicleId", "timestamp", "connectivity")}
    assert read == one.case.read
    assert envelope["id"] == one.status_id
    assert json.loads(one.push) == json.loads(one.last)
    assert json.loads(one.range) == [json.loads(one.last)]
    read_status(one.push)
    read_status(json.dumps(json.loads(one.range)[0]))


@pytest.mark.parametrize("name", CASES)
def test_what_is_kept_of_it(chain: Chain, name: str) -> None:
    one = chain[2][name]
    assert one.flags == one.case.flags
    assert {name: one.fields.get(name) for name in one.case.kept} == one.case.kept
    assert "{" not in json.dumps(list(one.fields)), one.fields
    for way in (json.dumps(one.fields), one.last.decode(), one.push):
        assert "customData#" not in way and "NaN" not in way and "null.null" not in way


def test_a_whole_range_is_read_though_its_statuses_are_odd(chain: Chain) -> None:
    """One status with a fraction spoiled the range of a week."""
    daemon, _, _ = chain
    admin = {"x-api-key": daemon.keys["admin"]}
    httpx.post(f"{daemon.url}/api/v1/owners", json={"uid": "martin", "vehicle": "B1"}, headers=admin)
    wlan = [case.body for case in CASES.values() if case.route == WLAN]
    for number, body in enumerate(wlan):
        document = {"vehicleId": "B1", "timestamp": TIME + number, **body}
        key = {"x-api-key": daemon.keys["device"]}
        assert httpx.post(f"{daemon.url}/wlan", json=document, headers=key).status_code == 201
    times = f"timeFrom=0&timeTo={(TIME + 10_000) * 1000}"
    answer = app(daemon, "GET", f"/android/range?vehicleId=B1&{times}").json()
    assert len([read_status(json.dumps(status)) for status in answer]) == len(wlan)


def test_the_new_api_has_the_values_as_they_were_measured(chain: Chain) -> None:
    daemon, _, found = chain
    for name in ("the simulator's post", "state 7", "E02 65535 %", "charge 76.5", "a town"):
        vehicle = vehicle_of(list(CASES).index(name))
        url = f"{daemon.url}/api/v1/stream?vehicle={vehicle}"
        with httpx.stream("GET", url, headers={"x-api-key": daemon.keys["admin"]}) as answer:
            data = next(line for line in answer.iter_lines() if line.startswith("data:"))
        shown = json.loads(data.removeprefix("data:"))
        fields = {name: value for name, value in found[name].fields.items() if value is not None}
        assert shown.items() >= fields.items()


def test_what_is_not_plausible_is_no_event_and_no_charge(chain: Chain) -> None:
    """E02: 65535 % between 70 % and 71 %; a charge that is low indeed is the only event."""
    daemon, fcm, _ = chain
    admin = {"x-api-key": daemon.keys["admin"]}
    httpx.post(f"{daemon.url}/api/v1/owners", json={"uid": "martin", "vehicle": "E02"}, headers=admin)
    wish = {"vehicleId": "E02", "fcmToken": "phone-E02", "register": True}
    assert app(daemon, "POST", "/android/fcm-register?vehicleId=E02", json=wish).status_code == 200
    now = int(time.time()) - 3600
    for number, charge in enumerate((70, 70, 65535, -1, 101, 71, 71, 5, 5)):
        document = {"vehicleId": "E02", "timestamp": now + 60 * number, "state": 2, "current_charge": charge}
        answer = httpx.post(
            f"{daemon.url}/wlan",
            json=document | {"target_charge": 80, "indoor_temp": -3276.8},
            headers={"x-api-key": daemon.keys["device"]},
        )
        assert answer.status_code == 201
    end = time.monotonic() + 30
    events: list[Any] = []
    while not events and time.monotonic() < end:
        events = rows(daemon.database, "SELECT kind, details ->> 'charge' FROM events WHERE vehicle = 'E02'")
        time.sleep(0.05)
    assert events == [("charge_low", 5)]
    charges = rows(daemon.database, "SELECT current_charge FROM history WHERE vehicle = 'E02' ORDER BY time")
    assert charges == [(70,), (70,), (None,), (None,), (None,), (71,), (71,), (5,), (5,)]
    raw = "SELECT fields ->> '$.implausible.current_charge' FROM history WHERE vehicle = 'E02' ORDER BY time"
    assert rows(daemon.database, raw)[2:5] == [(65535,), (-1,), (101,)]
    while not any(message["token"] == "phone-E02" and message.get("notification") for message in fcm.sent(1)):
        assert time.monotonic() < end, "the event is pushed"
        time.sleep(0.05)
    for message in fcm.sent(1):
        read_members(message["data"]["serialized"])


def test_names_that_were_not_replaced_stand_in_the_log_once(chain: Chain) -> None:
    daemon, _, _ = chain
    for number in range(3):
        document = {"device": "C1", "time": TIME + number, "data": "00", "Speed": "{customData#Speed}", "Lat": "{x}"}
        answer = httpx.post(f"{daemon.url}/sigfox/uplink", json=document, headers={"x-api-key": daemon.keys["sigfox"]})
        assert answer.status_code == 201

    def names() -> list[str]:
        lines = [json.loads(line) for line in list(daemon.logs.lines) if "were not replaced" in line]
        return [name for line in lines for name in line["names"]]

    expected = ["InTrip", "Lat", "Speed", "Type", "location", "more", "range"]
    assert daemon.logs.wait_until(lambda: set(expected) <= set(names()), EVENT_S), daemon.logs
    assert sorted(names()) == expected


def test_whose_values_the_format_does_not_explain_is_seen_by_the_operator(chain: Chain) -> None:
    daemon, _, _ = chain
    for number in range(3):
        body = SIGFOX_SAYS | {"vehicleId": "D1", "timestamp": TIME + number, "seqNumber": number}
        body |= {"state": 3, "range": 5} if number else {}
        answer = httpx.post(f"{daemon.url}/sigfox/uplink", json=body, headers={"x-api-key": daemon.keys["sigfox"]})
        assert answer.status_code == 201
    admin = {"x-api-key": daemon.keys["admin"]}
    shown = httpx.get(f"{daemon.url}/api/v1/vehicles/D1", headers=admin).json()
    assert shown["flagged"] == {"disagrees": 2}
    (remark,) = shown["remarks"]
    assert remark.startswith(
        "vehicle D1 sends values that its format does not explain (state, range), in 2 of its 3 kept statuses: "
    )
    end = time.monotonic() + 30
    while time.monotonic() < end:
        alarms = httpx.get(f"{daemon.url}/api/v1/stats", headers=admin).json()["alarms"]
        sentences = [alarm["sentence"] for alarm in alarms if alarm["name"] == "unexplained_values"]
        if sentences and "D1" in sentences[0]:
            break
        time.sleep(0.2)
    assert "vehicle D1 sends values that its format does not explain (state, range): " in sentences[0]
    metrics = httpx.get(f"{daemon.url}/metrics", headers=admin).text
    assert 'evd_alarm{alarm="unexplained_values"} 1.0' in metrics
    counted = next(line for line in metrics.splitlines() if line.startswith("evd_unexplained_statuses_total"))
    assert float(counted.split()[1]) >= 2
