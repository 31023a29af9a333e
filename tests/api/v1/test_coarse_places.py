"""Coarse places over HTTP and by command, against one daemon: who sees where a vehicle is, and who does not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, run_evd, running_daemon

VEHICLE = "5EC0DE"
TIME = 1_639_400_400
PLACES = ("48.15213,17.10733", "48.15213,17.10733", "48.23456,17.22345", "48.23456,17.22345")
EXACT = ("48.152", "17.107", "48.234", "17.223")
PLATE = "BA-123XY"
SETTINGS = """
[app]
trust_user_header = true
[retention]
rollup_days = 3650
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """anna owns VEHICLE, which drives from one of PLACES to another; eve sees it."""
    with running_daemon(tmp_path_factory.mktemp("coarse") / "evd", settings=SETTINGS) as one:
        run_evd("owner", "add", "anna", VEHICLE, "--dir", one.directory)
        run_evd("owner", "add", "eve", VEHICLE, "--viewer", "--dir", one.directory)
        geofence = {"name": "home", "lat": 48.15213, "lng": 17.10733, "radius_m": 100}
        assert ask(one, "PUT", "/alerts", json={"places": [geofence], "confirm_after_s": 0}).status_code == 200
        for number, place in enumerate(PLACES):
            status = {
                "device": VEHICLE,
                "time": TIME + 600 * number,
                "data": "01",
                "seqNumber": number,
                "state": 1 if number < 2 else 3,
                "current_charge": 50 + number if number < 2 else 50 - number,
                "location": place,
                "gps": {"lat": float(place[:8]), "lng": float(place[9:])},
            }
            sent = httpx.post(f"{one.url}/sigfox/uplink", headers={"x-api-key": one.keys["sigfox"]}, json=status)
            assert sent.status_code == 201, sent.text
        tariff = {"currency": "EUR", "per_kwh": 0.3, "prices": [{"per_kwh": 0.1, "place": PLACES[0]}]}
        assert ask(one, "PUT", "/tariff", json=tariff).status_code == 200
        assert ask(one, "PATCH", "/profile", json={"regNumber": PLATE, "battery": 50}).status_code == 200
        end = time.monotonic() + 20
        while not ask(one, "GET", "/events?kind=left").json():  # events follow the statuses
            assert time.monotonic() < end
        yield one


def ask(daemon: RunningDaemon, method: str, path: str, user: str | None = "anna", **more: Any) -> httpx.Response:
    key = {"x-api-key": daemon.keys["app"], "userId": user} if user else {"x-api-key": daemon.keys["admin"]}
    path = path if path.startswith(("/api/", "/android/")) else f"/api/v1/vehicles/{VEHICLE}{path}"
    return httpx.request(method, f"{daemon.url}{path}", headers=key, **more)


WHERE_IT_WAS = {
    "last": "/last",
    "statuses": "/statuses",
    "some fields": "/statuses?fields=gps,location,rawdata",
    "CSV": "/statuses?format=csv",
    "buckets": "/statuses?bucket=10m&fields=location,gps",
    "buckets as CSV": "/statuses?bucket=10m&format=csv",
    "vehicle": "",
    "vehicles": "/api/v1/vehicles",
    "all statuses": "/api/v1/statuses?format=ndjson",
    "sessions": "/sessions",
    "trips": "/trips",
    "events": "/events",
    "all events": "/api/v1/events",
    "the app's last": f"/android/last?vehicleId={VEHICLE}",
    "the app's range": f"/android/range?vehicleId={VEHICLE}&timeFrom=0&timeTo={TIME * 2000}",
}
NAMED_BY_ITS_OWNER = {"tariff": "/tariff", "alerts": "/alerts"}


def seen(daemon: RunningDaemon, paths: dict[str, str], user: str | None) -> dict[str, bool]:
    """Whether the answer has an exact place."""
    found = {}
    for name, path in paths.items():
        answer = ask(daemon, "GET", path, user)
        assert answer.status_code == 200, (name, answer.text)
        exact = any(part in answer.text for part in EXACT)
        assert exact or any(part in answer.text for part in ("48.15", "48.23")), name
        found[name] = exact
    return found


def streamed(daemon: RunningDaemon, user: str) -> str:
    url = f"{daemon.url}/api/v1/stream?vehicle={VEHICLE}"
    with httpx.stream("GET", url, headers={"x-api-key": daemon.keys["app"], "userId": user}) as stream:
        return next(line for line in stream.iter_lines() if line.startswith("data:"))


def exported(daemon: RunningDaemon, *more: str) -> str:
    done = run_evd("export", "--format", "ndjson", *more, "--dir", daemon.directory)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def is_exact(text: str) -> bool:
    return any(part in text for part in EXACT)


def test_who_sees_where_a_vehicle_is(daemon: RunningDaemon) -> None:
    assert all(ask(daemon, "GET", "/trips").json()) and all(ask(daemon, "GET", "/sessions").json())
    for level, exact_for in (("nobody", "anna eve"), ("viewers", "anna"), ("everyone", "")):
        changed = ask(daemon, "PATCH", "/profile", json={"coarseLocation": level})
        assert changed.json()["coarseLocation"] == level
        for user in ("anna", "eve", None):
            is_for = (user is None and level != "everyone") or user in exact_for.split()
            found = seen(daemon, WHERE_IT_WAS, user)
            assert set(found.values()) == {is_for}, (level, user, found)
            own = seen(daemon, NAMED_BY_ITS_OWNER, user)
            assert set(own.values()) == {user != "eve" or level == "nobody"}, (level, user, own)
            if user:
                assert is_exact(streamed(daemon, user)) is is_for
        assert is_exact(exported(daemon)) is (level != "everyone")
        assert is_exact(exported(daemon, "--exact-places"))
    dynamodb = run_evd("export", "--format", "dynamodb", "--dir", daemon.directory)
    assert VEHICLE in dynamodb.stdout and not is_exact(dynamodb.stdout)
    ask(daemon, "PATCH", "/profile", json={"coarseLocation": None})
    assert ask(daemon, "PATCH", "/profile", json={"coarseLocation": "some"}).status_code == 400


def test_no_log_line_has_a_place_or_a_plate(daemon: RunningDaemon, tmp_path: Path) -> None:
    """At the level info: statuses, profile, tariff, geofences and a refused picture were sent before and here."""
    ask(daemon, "PUT", "/image", content=b"\xff\xd8\xff 48.15213,17.10733 " + PLATE.encode())
    ask(daemon, "PATCH", "/profile", json={"regNumber": PLATE, "place": PLACES[0]})
    ask(daemon, "PUT", "/tariff", json={"currency": PLATE})
    ask(daemon, "GET", f"/api/v1/vehicles?text={PLATE}")
    ask(daemon, "GET", f"/api/v1/nothing/{PLATE}")
    said = str(daemon.logs)
    assert '"level": "info"' in said or '"level":"info"' in said
    assert not [word for word in (*EXACT, PLATE) if word in said]
    assert json.loads(ask(daemon, "GET", "/profile").text)["regNumber"] == PLATE
