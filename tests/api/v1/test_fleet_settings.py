"""Settings of many vehicles at once: what is read can be set again, and each vehicle is refused by itself."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from api_asking import Asking
from daemon_process import RunningDaemon
from signed_in import Admin, sign_in

TARIFF = {"currency": "EUR", "per_kwh": 0.3, "prices": []}


def verdicts(ask: Asking, *items: Any) -> list[Any]:
    answer = ask("PUT", "/fleet/settings", {"items": items})
    assert answer.status_code == 200, answer.text
    return [one if isinstance(one, str) else one["error"] for one in answer.json()["verdicts"]]


@pytest.fixture
def two(ask: Asking) -> list[str]:
    for vehicle in ("5E71", "5E72"):
        assert ask("PATCH", f"/vehicles/{vehicle}", {"keep": 20}).status_code == 200
        assert ask("PATCH", f"/vehicles/{vehicle}/tags", {"add": ["settings"]}).status_code == 200
    return ["5E71", "5E72"]


def listed(ask: Asking) -> list[Any]:
    rows: list[Any] = ask("GET", "/fleet/settings?tag=settings").json()
    return rows


def test_what_is_read_is_what_can_be_set_again(ask: Asking, two: list[str]) -> None:
    profile = {"battery": 52, "maxVoltage": 230, "phases": 3, "zone": "Europe/Bratislava"}
    wish = [{"vehicle": one, "profile": profile, "tariff": TARIFF} for one in two]
    assert verdicts(ask, *wish) == ["set", "set"]
    before = listed(ask)
    assert [(row["vehicle"], row["profile"]["battery"], row["tariff"]["per_kwh"]) for row in before] == [
        (two[0], 52, 0.3),
        (two[1], 52, 0.3),
    ]
    assert verdicts(ask, {"vehicle": two[0], "profile": {"battery": None}, "tariff": None}) == ["set"]
    assert "battery" not in listed(ask)[0]["profile"] and listed(ask)[0]["tariff"] is None
    assert listed(ask)[0]["profile"]["zone"] == "Europe/Bratislava", "what is not named stays"
    assert verdicts(ask, *before) == ["set", "set"]
    assert listed(ask) == before


def test_each_vehicle_is_refused_by_itself(ask: Asking, two: list[str]) -> None:
    said = verdicts(
        ask,
        {"vehicle": two[0], "profile": {"phases": 2}},
        {"vehicle": two[1], "profile": {"phases": 9}},
        {"vehicle": two[1], "format": "none-of-this-name"},
        {"vehicle": two[1], "tariff": {"currency": "EURO", "per_kwh": 1}},
        {"vehicle": "5E7F", "profile": {"phases": 1}},
    )
    assert said[0] == "set" and said[1:4] == ["Bad request"] * 3 and said[4] == "Unknown vehicle"
    assert listed(ask)[0]["profile"]["phases"] == 2


def test_a_user_sets_what_it_owns_and_no_format(daemon: RunningDaemon, two: list[str]) -> None:
    admin = Admin(daemon)
    admin.add("setter")
    admin.own("setter", two[0])
    with httpx.Client(base_url=f"{daemon.url}/api/v1") as browser:
        sign_in(browser, "setter")
        assert [row["vehicle"] for row in browser.get("/fleet/settings").json()] == [two[0]]
        items = [
            {"vehicle": two[0], "profile": {"battery": 40}},
            {"vehicle": two[0], "format": None},
            {"vehicle": two[1], "profile": {"battery": 40}},
        ]
        found = browser.put("/fleet/settings", json={"items": items}).json()["verdicts"]
        assert found[0] == "set" and [one["error"] for one in found[1:]] == ["Forbidden", "Not found"]
