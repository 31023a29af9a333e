"""Events as people, the app and phones see them: the commands, `/api/v1` and FCM, over a running daemon."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from chain import Fcm, app, fake_fcm, whole_chain
from daemon_process import READY_S, RunningDaemon, run_evd

VEHICLE = "386625"
EARLY = 1_639_400_000_000
"""When the vehicle charged, epoch ms."""
NIGHT = {"quiet_hours": "22:00-07:00", "time_zone": "Europe/Bratislava"}


@pytest.fixture(scope="module")
def fcm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fcm]:
    with fake_fcm(tmp_path_factory.mktemp("fcm")) as fake:
        yield fake


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, fcm: Fcm) -> Iterator[RunningDaemon]:
    """Martin owns a vehicle with a phone, and wants to be told in Slovak; it has charged beyond its target."""
    with whole_chain(tmp_path_factory.mktemp("events"), fcm, settings="[push]\nramp_s = 0\n") as one:
        assert run_evd("owner", "add", "martin", VEHICLE, "--dir", one.directory).returncode == 0
        done = run_evd("event", "preferences", "martin", "language=sk", "--dir", one.directory)
        assert done.returncode == 0, done.stderr
        wish = {"vehicleId": "00386625", "fcmToken": "phone", "register": True}
        assert app(one, "POST", "/android/fcm-register?vehicleId=00386625", json=wish).status_code == 200
        for number, charge in enumerate((70, 76, 84, 85, 84)):
            say(one, EARLY + number * 600_000, state=1, current_charge=charge, target_charge=80)
        say(one, EARLY + 600_000, state=1, current_charge=76, target_charge=80)  # again, and late
        yield one


def say(daemon: RunningDaemon, at: int, *, vehicle: str = VEHICLE, **fields: Any) -> None:
    body = {"timestamp": at, "vehicleId": vehicle, "connectivity": 2, "advanced": False, **fields}
    said = httpx.post(f"{daemon.url}/v3/wlan", json=body, headers={"x-api-key": daemon.keys["device"]})
    assert said.status_code == 201, said.text


def ask(
    daemon: RunningDaemon, method: str, path: str, body: Any = None, *, key: str = "admin", user: str | None = None
) -> httpx.Response:
    headers = {"x-api-key": daemon.keys[key]} | ({"userId": user} if user else {})
    return httpx.request(method, f"{daemon.url}/api/v1{path}", headers=headers, json=body)


def told(daemon: RunningDaemon, count: int, path: str = f"/vehicles/{VEHICLE}/events") -> list[dict[str, Any]]:
    """The events, once there are so many."""
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        events: list[dict[str, Any]] = ask(daemon, "GET", path).json()
        if len(events) >= count:
            return events
        time.sleep(0.02)
    raise AssertionError(f"fewer than {count} events")


def run(daemon: RunningDaemon, *arguments: str) -> tuple[int, str]:
    done = run_evd("event", *arguments, "--dir", daemon.directory, env={"COLUMNS": "200"})
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr if done.returncode else done.stdout


def test_a_charge_beyond_its_target_wakes_the_phone_once_with_a_slovak_sentence(
    daemon: RunningDaemon, fcm: Fcm
) -> None:
    (event,) = told(daemon, 1)
    assert (event["kind"], event["vehicle"], event["time"]) == ("target_reached", VEHICLE, EARLY + 2 * 600_000)
    assert event["details"] == {"charge": 84, "target": 80, "how": "passed"}
    end = time.monotonic() + READY_S
    alarms: list[dict[str, Any]] = []
    while not alarms and time.monotonic() < end:
        alarms = [one for one in fcm.sent(1) if "event" in one["data"]]
    (alarm,) = alarms
    assert alarm["token"] == "phone"
    assert alarm["data"]["event"] == "target_reached"
    assert alarm["notification"] == {
        "title": "00386625: nabité nad cieľ",
        "body": "Batéria je nabitá na 84 %, cieľ bol 80 %.",
    }
    assert alarm["android"]["priority"] == "high"
    assert json.loads(alarm["data"]["serialized"])["vehicleId"] == "00386625"


def test_events_are_listed_by_kind_by_owner_and_page_by_page(daemon: RunningDaemon) -> None:
    for minute, charge in enumerate((90, 15, 14)):
        say(daemon, EARLY + minute * 60_000, vehicle="EVE", state=2, current_charge=charge, target_charge=95)
        if not minute:  # from here on somebody wants to know
            assert ask(daemon, "PUT", "/vehicles/EVE/alerts", {}).status_code == 200
    low = told(daemon, 1, "/vehicles/EVE/events")[0]
    assert (low["kind"], low["details"]) == ("charge_low", {"charge": 15, "limit": 20})
    newest, oldest = told(daemon, 2, "/events")
    assert (newest, oldest["vehicle"]) == (low, VEHICLE)
    assert ask(daemon, "GET", "/events?kind=charge_low").json() == [low]
    assert ask(daemon, "GET", "/events?limit=1").json() == [newest]
    assert ask(daemon, "GET", f"/events?before={newest['number']}").json() == [oldest]
    assert ask(daemon, "GET", "/events", key="app", user="martin").json() == [oldest]
    assert ask(daemon, "GET", "/events", key="app", user="eve").json() == []


def test_an_owned_vehicle_is_set_up_before_it_was_ever_heard(daemon: RunningDaemon) -> None:
    assert run(daemon, "settings", "0FEED")[0] == 1
    assert run_evd("owner", "add", "zoe", "FEED", "--dir", daemon.directory).returncode == 0
    assert "low_charge = 20.0" in run(daemon, "settings", "0FEED")[1].splitlines()
    assert "low_charge = 12.0" in run(daemon, "settings", "0FEED", "low_charge=12")[1].splitlines()
    assert ask(daemon, "GET", "/vehicles/FEED/alerts", key="app", user="zoe").json()["low_charge"] == 12


@pytest.mark.parametrize(
    ("vehicle", "readings"),
    [
        pytest.param("E1", [(2, 70), (2, 70), (2, 0), (2, 71), (2, 71)], id="E01-soc-zero-glitch"),
        pytest.param("E3", [(1, 78), (None, 79), (1, 79), (1, 80), (1, 79), (1, 80)], id="E03-null-state"),
        pytest.param("E7", [(1, 60), (2, 60), (1, 60)], id="E07-flapping-charge"),
        pytest.param("E8", [(None, 0)], id="E08-zero-at-first-sight"),
    ],
)
def test_what_the_next_reading_takes_back_is_no_event(
    daemon: RunningDaemon, vehicle: str, readings: list[tuple[int | None, int]]
) -> None:
    """Of an owned vehicle with a phone, one reading a minute; that of another vehicle, behind it, is told."""
    path = f"/vehicles/{vehicle}/events"
    assert run_evd("owner", "add", "martin", vehicle, "--dir", daemon.directory).returncode == 0
    wish = {"vehicleId": vehicle, "fcmToken": f"of {vehicle}", "register": True}
    assert app(daemon, "POST", f"/android/fcm-register?vehicleId={vehicle}", json=wish).status_code == 200
    now = int(time.time() * 1000) - 10 * 60_000
    for minute, (state, charge) in enumerate(readings):
        said = {"current_charge": charge, "target_charge": 80} | ({} if state is None else {"state": state})
        say(daemon, now + minute * 60_000, vehicle=vehicle, **said)
    proof = f"AFTER{vehicle}"
    assert ask(daemon, "PATCH", f"/vehicles/{proof}", {}).status_code == 200
    assert ask(daemon, "PUT", f"/vehicles/{proof}/alerts", {"confirm_after_s": 0}).status_code == 200
    for minute, charge in enumerate((60, 70, 80)):
        say(daemon, now + minute * 60_000, vehicle=proof, state=1, current_charge=charge, target_charge=80)
    told(daemon, 1, f"/vehicles/{proof}/events")
    expected = ["target_reached"] if vehicle == "E3" else []
    assert [event["kind"] for event in ask(daemon, "GET", path).json()] == expected


def test_an_event_shows_the_two_samples_that_were_compared(daemon: RunningDaemon) -> None:
    (event,) = told(daemon, 1)
    before, then = event["samples"]
    assert then == {
        "time": EARLY + 2 * 600_000,
        "status_id": event["status_id"],
        "state": 1,
        "current_charge": 84,
        "target_charge": 80,
    }
    assert (before["time"], before["current_charge"]) == (EARLY + 600_000, 76)
    assert "current_charge 76 → 84, target_charge 80 → 80, state 1 → 1, " in run(daemon, "list", VEHICLE)[1]


def test_the_commands_list_events_and_change_settings(daemon: RunningDaemon) -> None:
    told(daemon, 1)
    code, text = run(daemon, "list", VEHICLE, "--kind", "target_reached")
    (line,) = [line for line in text.splitlines() if "target_reached" in line]
    assert (code, "The charge is 84 %, the target was 80 %." in line) == (0, True)
    code, text = run(daemon, "list", VEHICLE, "--json")
    assert json.loads(text) == told(daemon, 1)
    place = '[{"name": "home", "lat": 48.15, "lng": 17.11}]'
    code, text = run(daemon, "settings", VEHICLE, "low_charge=12", f"places={place}", 'off=["left"]', "--json")
    assert json.loads(text)["places"] == [{"name": "home", "lat": 48.15, "lng": 17.11, "radius_m": 200.0}]
    code, text = run(daemon, "settings", VEHICLE, "low_charge=", "places=", "off=")
    assert "low_charge = 20.0" in text.splitlines()
    code, text = run(daemon, "preferences", "zoe", "quiet_hours=22:00-07:00", "time_zone=Europe/Bratislava", "--json")
    assert json.loads(text) == {"kinds": {}, **NIGHT, "language": "en"}


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("list", "--kind", "tarte"), "tarte"),
        (("settings", "ABSENT"), "ABSENT"),
        (("settings", VEHICLE, "low_charge=many"), "low_charge"),
        (("settings", VEHICLE, "low_charge"), "not KEY=VALUE"),
        (("preferences", "zoe", "quiet_hours=late"), "quiet_hours"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(daemon: RunningDaemon, arguments: tuple[str, ...], part: str) -> None:
    code, text = run(daemon, *arguments)
    assert (code in (1, 2), part in text) == (True, True)
