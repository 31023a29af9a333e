"""Events, a vehicle's event settings and a user's preferences over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from api_asking import Asking
from builders import rows

VEHICLE = "EE1"
NIGHT = {"quiet_hours": "22:00-07:00", "time_zone": "Europe/Bratislava"}


@pytest.fixture(scope="module", autouse=True)
def _owned(ask: Asking) -> None:
    """Martin owns the vehicle, which was heard."""
    ask.own("martin", VEHICLE)
    ask.send(VEHICLE)


@pytest.mark.parametrize(
    ("path", "key", "user", "status"),
    [
        (f"/vehicles/{VEHICLE}/events", "admin", "", 200),
        ("/vehicles/0000EE1/events", "app", "martin", 200),
        (f"/vehicles/{VEHICLE}/events", "app", "eve", 404),
        ("/vehicles/ABSENT/events", "app", "martin", 404),
        ("/vehicles/ABSENT/events", "admin", "", 200),
        (f"/vehicles/{VEHICLE}/events", "app", "", 401),
        (f"/vehicles/{VEHICLE}/events", "device", "", 403),
        (f"/vehicles/{VEHICLE}/events", "sigfox", "martin", 403),
        (f"/vehicles/{VEHICLE}/alerts", "admin", "", 200),
        (f"/vehicles/{VEHICLE}/alerts", "app", "martin", 200),
        (f"/vehicles/{VEHICLE}/alerts", "app", "eve", 404),
        ("/vehicles/ABSENT/alerts", "app", "eve", 404),
        ("/vehicles/ABSENT/alerts", "admin", "", 404),
        ("/events", "admin", "", 200),
        ("/events", "app", "eve", 200),
        ("/events", "device", "", 403),
        ("/preferences", "app", "martin", 200),
        ("/preferences?uid=martin", "app", "martin", 200),
        ("/preferences?uid=eve", "app", "martin", 400),
        ("/preferences?uid=martin", "admin", "", 200),
        ("/preferences", "admin", "", 400),
        ("/events?kind=tarte", "admin", "", 400),
        ("/events?before=x", "admin", "", 400),
        ("/events?before=9223372036854775808", "admin", "", 400),
        ("/events?limit=0", "admin", "", 400),
    ],
)
def test_an_administrator_sees_all_and_a_user_their_own(
    ask: Asking, path: str, key: str, user: str, status: int
) -> None:
    answer = ask("GET", path, key=key, user=user)
    assert (answer.status_code, status == 200 or len(answer.json()["detail"]) > 10) == (status, True)


def test_foreign_and_absent_vehicles_are_answered_alike(ask: Asking) -> None:
    for method, what in (("GET", "events"), ("GET", "alerts"), ("PUT", "alerts")):
        foreign, absent = (
            ask(method, f"/vehicles/{vehicle}/{what}", {}, user="eve").text.replace(vehicle, "")
            for vehicle in (VEHICLE, "ABSENT")
        )
        assert foreign == absent


@pytest.mark.parametrize(
    ("path", "body", "part"),
    [
        (f"/vehicles/{VEHICLE}/alerts", {"low_charge": 101}, "low_charge"),
        (f"/vehicles/{VEHICLE}/alerts", {"low_chrage": 10}, "low_chrage"),
        (f"/vehicles/{VEHICLE}/alerts", {"off": ["tarte"]}, "off: there is no kind 'tarte'"),
        (f"/vehicles/{VEHICLE}/alerts", [], "object"),
        ("/preferences?uid=martin", {"quiet_hours": "22-7"}, "quiet_hours"),
        ("/preferences?uid=martin", {"time_zone": "Europe/Bratislavva"}, "time_zone"),
        ("/preferences?uid=martin", {"language": "de"}, "language"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_a_sentence(ask: Asking, path: str, body: Any, part: str) -> None:
    answer = ask("PUT", path, body)
    assert answer.status_code == 400
    assert part in answer.json()["detail"]


def test_an_owner_sets_their_vehicles_event_settings_and_null_brings_the_defaults_back(ask: Asking) -> None:
    path = f"/vehicles/{VEHICLE}/alerts"
    before = ask("GET", path).json()
    changed = ask("PUT", path, {"low_charge": 15}, user="martin")
    assert changed.json() == ask("GET", path).json() == before | {"low_charge": 15.0}
    answer = ask("PUT", path, content=b"null")
    assert answer.json() == before
    assert rows(ask.daemon.database, "SELECT settings FROM alert_states WHERE vehicle = ?", VEHICLE) == [(None,)]


def test_a_user_sets_their_preferences(ask: Asking) -> None:
    wished = {"language": "sk", "kinds": {"left": False}, **NIGHT}
    assert ask("PUT", "/preferences", wished, user="eve").json() == wished
    assert ask("GET", "/preferences?uid=eve").json() == wished
    assert ask("GET", "/preferences", user="nobody").json()["language"] == "en"
