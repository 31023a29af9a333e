"""Decoding kept statuses again, step by step: a preview changes nothing, and a cursor goes on where a step ended."""

from __future__ import annotations

from typing import Any

import pytest
from api_asking import Asking
from builders import rows

from evd.api.v1 import redecode as subject


@pytest.fixture(scope="module")
def vehicle(ask: Asking) -> str:
    """Three statuses under the default format; another one has been assigned since."""
    for number in range(3):
        ask.send("DE1", f"0{number}", ago_s=100 - number, seqNumber=number)
    assert ask("PATCH", "/vehicles/DE1", {"format": "own::uint:8"}).status_code == 200
    return "DE1"


def values(ask: Asking, vehicle: str) -> list[Any]:
    found = rows(ask.daemon.database, "SELECT fields ->> 'own' FROM ring WHERE vehicle = ? ORDER BY position", vehicle)
    return [value for (value,) in found]


def times(ask: Asking, vehicle: str) -> list[Any]:
    return rows(ask.daemon.database, "SELECT time, seq, id FROM ring WHERE vehicle = ? ORDER BY position", vehicle)


def step(ask: Asking, path: str = "/redecode/preview", **wish: Any) -> dict[str, Any]:
    answer = ask("POST", path, {"since": 0, **wish})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_preview_counts_what_would_change_and_changes_nothing(ask: Asking, vehicle: str) -> None:
    shown = step(ask, vehicles=["00de1"])
    assert (shown["read"], shown["changed"], shown["passed"], shown["next"], shown["of"]) == (3, 3, 1, None, 1)
    assert shown["vehicles"] == [vehicle] and "written" not in shown
    assert values(ask, vehicle) == [None, None, None]


def test_both_ends_of_the_span_are_included_and_a_cursor_is_behind_its_status(ask: Asking, vehicle: str) -> None:
    (first, *_), middle, _ = found = times(ask, vehicle)
    assert step(ask, vehicles=[vehicle], since=first, until=middle[0])["read"] == 2
    assert step(ask, vehicles=[vehicle], since=first + 1)["read"] == 2
    time, seq, status_id = found[0]
    later = step(ask, vehicles=[vehicle], cursor=[vehicle, time, seq, status_id])
    assert later["read"] == 2 and "of" not in later, "only the first step counts the vehicles"
    assert step(ask, vehicles=[vehicle], cursor=[vehicle, *subject.BEHIND_ALL])["read"] == 0
    assert step(ask, vehicles=[vehicle], cursor=["DE2", 0, -1, ""])["passed"] == 0


def test_a_change_is_written_once(ask: Asking, vehicle: str) -> None:
    done = step(ask, "/redecode", vehicles=[vehicle])
    assert (done["changed"], done["written"], done["gone"]) == (3, 3, 0)
    assert values(ask, vehicle) == [0, 1, 2]
    again = step(ask, "/redecode", vehicles=[vehicle])
    assert (again["read"], again["changed"], again["written"]) == (3, 0, 0)


def test_without_names_all_vehicles_are_read(ask: Asking, vehicle: str) -> None:
    shown = step(ask, since=times(ask, vehicle)[0][0])
    known = rows(ask.daemon.database, "SELECT count(*) FROM vehicles")[0][0]
    assert shown["of"] == known and shown["passed"] >= 1 and shown["read"] >= 3


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"vehicles": []}, "name 1 to 100"),
        ({"vehicles": ["NEVER"]}, "vehicle NEVER is unknown"),
        ({"vehicles": ["x" * 65]}, "1 to 64 printable characters"),
        ({"since": None}, "the body is invalid"),
        ({"cursor": ["DE1", 0]}, "the body is invalid"),
        ({"more": 1}, "the body is invalid"),
    ],
)
def test_what_cannot_be_is_refused(ask: Asking, wish: dict[str, Any], says: str) -> None:
    for path in ("/redecode", "/redecode/preview"):
        answer = ask("POST", path, {"since": 0, **wish})
        assert (answer.status_code, says in answer.json()["detail"]) == (400, True), answer.text
