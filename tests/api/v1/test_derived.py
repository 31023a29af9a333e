"""Charge sessions, trips and roll-ups over HTTP, of a vehicle that sends through Sigfox; and the views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from builders import rows
from daemon_process import RunningDaemon, run_evd, running_daemon

TIME = 1_639_400_400  # s: 13:00 UTC
STATUSES = [(0, 2, 40), (10, 1, 42), (30, 1, 50), (40, 2, 51), (120, 3, 50), (140, 2, 45), (170, 1, 45)]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    directory = tmp_path_factory.mktemp("derived") / "evd"
    with running_daemon(
        directory, env={"EVD_APP__TRUST_USER_HEADER": "true", "EVD_RETENTION__ROLLUP_DAYS": "1826"}
    ) as one:
        assert run_evd("owner", "add", "anna", "A1", "--dir", directory).returncode == 0
        for minute, state, charge in STATUSES:
            body = {"vehicleId": "A1", "timestamp": TIME + 60 * minute, "state": state, "current_charge": charge}
            answer = httpx.post(
                f"{one.url}/wlan", json={**body, "range": 4 * charge}, headers={"x-api-key": one.keys["device"]}
            )
            assert answer.status_code == 201
        yield one


def ask(
    daemon: RunningDaemon, path: str, user: str | None = "anna", method: str = "GET", **more: Any
) -> httpx.Response:
    key = {"x-api-key": daemon.keys["app"], "userId": user} if user else {"x-api-key": daemon.keys["admin"]}
    return httpx.request(method, f"{daemon.url}/api/v1/vehicles/{path}", headers=key, **more)


def test_sessions_with_energy_and_cost(daemon: RunningDaemon) -> None:
    tariff = {"currency": "EUR", "per_kwh": 0.2}
    assert ask(daemon, "A1/tariff", method="PUT", json=tariff).status_code == 200
    assert ask(daemon, "a1/tariff").json()["per_kwh"] == 0.2
    closed, open_ = ask(daemon, "A1/sessions").json()
    assert (closed["state"], closed["from_percent"], closed["to_percent"]) == ("closed", 40, 51)
    assert (closed["start"], closed["end_ms"]) == ("2021-12-13T13:10:00.000Z", 1000 * (TIME + 40 * 60))
    assert (closed["energy_kwh"], closed["energy_by"], closed["cost"]) == (5.5, "estimate", 1.1)
    assert (open_["state"], open_["from_percent"]) == ("open", 45)


def test_trips(daemon: RunningDaemon) -> None:
    (trip,) = ask(daemon, "A1/trips", None).json()
    assert (trip["state"], trip["from_percent"], trip["to_percent"], trip["km_by_range"]) == ("closed", 51, 45, 24)


def test_rollups_by_hour_and_day_in_pages(daemon: RunningDaemon) -> None:
    answer = ask(daemon, "A1/rollups?unit=hour&limit=1")
    (hour,) = answer.json()
    assert (hour["messages"], hour["charged_percent"], hour["start"]) == (4, 11, "2021-12-13T13:00:00.000Z")
    assert hour["measures"]["current_charge"] == {
        "count": 4,
        "min": 40,
        "mean": 45.75,
        "max": 51,
        "first": 40,
        "last": 51,
    }
    following = httpx.get(
        daemon.url + answer.links["next"]["url"], headers={"x-api-key": daemon.keys["app"], "userId": "anna"}
    ).json()
    assert following[0]["messages"] == 3
    (day,) = ask(daemon, "A1/rollups?unit=day&from=2021-12-13T00:00:00Z&until=2021-12-14T00:00:00Z").json()
    assert (day["messages"], day["until_ms"] - day["start_ms"]) == (7, 86_400_000)
    assert day["measures"]["full_range"]["mean"] == 400
    assert ask(daemon, "A1/rollups?unit=day&from=2022-01-01T00:00:00Z").json() == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("A1/rollups?unit=week", 400),
        ("A1/rollups?from=yesterday", 400),
        ("A1/sessions?from=5&until=4", 400),
        ("A1/trips?cursor=x", 400),
        ("B1/sessions", 404),
        ("B1/rollups", 404),
    ],
)
def test_what_cannot_be_answered(daemon: RunningDaemon, path: str, status: int) -> None:
    assert ask(daemon, path).status_code == status


def test_a_tariff_that_cannot_be_kept(daemon: RunningDaemon) -> None:
    answer = ask(daemon, "A1/tariff", method="PUT", json={"currency": "euro"})
    assert (answer.status_code, "three letters" in answer.text) == (400, True)
    assert ask(daemon, "C1/tariff", None, "PUT", json={"currency": "EUR"}).status_code == 404


def test_a_tariff_by_command(daemon: RunningDaemon) -> None:
    def evd(*arguments: str, code: int = 0) -> str:
        done = run_evd("tariff", *arguments, "--dir", daemon.directory)
        assert done.returncode == code, done.stderr
        return done.stdout or done.stderr

    before = ask(daemon, "A1/tariff").json()
    assert ask(daemon, "A1/tariff", method="DELETE").json() == {"vehicle": "A1", "removed": True}
    assert ask(daemon, "A1/tariff").json() is None and "no prices" in evd("list", "A1")
    evd("set", "A1", "--price", "0.3", "--currency", "CZK")
    evd("set", "A1", "--price", "0.5", "--between", "22:00-06:00")
    evd("set", "A1", "--price", "0", "--place", "48.2,17.2", "--radius", "300")
    evd("set", "a1", "--price", "0.1", "--between", "22:00-06:00")
    assert ask(daemon, "A1/tariff").json() == {
        "currency": "CZK",
        "per_kwh": 0.3,
        "prices": [
            {"per_kwh": 0.1, "begin": "22:00", "end": "06:00"},
            {"per_kwh": 0.0, "place": "48.2,17.2", "radius_m": 300.0},
        ],
    }
    shown = evd("list", "A1")
    assert "22:00 - 06:00" in shown and "300 m of 48.2,17.2" in shown and "anywhere" in shown
    evd("remove", "A1", "--number", "2", "--yes")
    evd("remove", "A1", "--number", "2", "--yes")
    assert ask(daemon, "A1/tariff").json()["prices"] == [{"per_kwh": 0.1, "begin": "22:00", "end": "06:00"}]
    assert "there is no price 2" in evd("remove", "A1", "--number", "2", "--yes", code=2)
    assert "--between is" in evd("set", "A1", "--price", "1", "--between", "night", code=2)
    assert "22:00" in evd("set", "A1", "--price", "1", "--between", "25:00-26:00", code=1)
    evd("remove", "A1", "--yes")
    assert ask(daemon, "C1/tariff", None, "DELETE").status_code == 404
    ask(daemon, "A1/tariff", method="PUT", json=before)


def test_the_views_in_a_shell(daemon: RunningDaemon) -> None:
    ((vehicle, state, up),) = rows(daemon.database, "SELECT vehicle, state, to_percent FROM charge_sessions")
    assert (vehicle, state, up) == ("A1", "closed", 51)
    ((km,),) = rows(daemon.database, "SELECT km_by_range FROM trips")
    assert km == 24
    ((messages, least, mean, most, same),) = rows(
        daemon.database,
        "SELECT messages, current_charge_min, current_charge_mean, current_charge_max, full_range_max FROM hours",
    )
    assert (messages, least, mean, most, same) == (4, 40, 45.75, 51, 400)
    columns = "messages, km, current_charge_min, current_charge_mean, current_charge_max, full_range_max"
    days = rows(daemon.database, f"SELECT {columns} FROM day_rollups")
    assert days == rows(daemon.database, f"SELECT {columns} FROM hours") != []
