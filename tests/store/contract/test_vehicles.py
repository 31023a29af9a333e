"""Vehicles: what was set, what each said in all, and the counts of everything."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from any_engine import AnyDatabase
from builders import NOW, arrival

from evd.model.operations import (
    AddOwner,
    NewEvent,
    Outcome,
    Outcomes,
    RecordEvents,
    Register,
    Reject,
    SetProfile,
    SetVehicle,
    UnknownVehicle,
)
from evd.model.profile import Profile
from evd.model.units import DAY_MS
from evd.store import records
from evd.store.records import StoredCounts
from evd.store.vehicle_records import FLEET_ORDERS, FleetSearch, ProfileRow


def test_a_vehicle_has_what_was_set_and_what_it_said(database: AnyDatabase) -> None:
    database.write(arrival("A"), SetVehicle("A", NOW, keep=5, name="Anna's"), SetVehicle("A", NOW, format="ev"))
    found = database.ask(lambda queries: queries.vehicle("A"))
    assert found is not None
    assert (found.name, found.keep, found.kept, found.format) == ("Anna's", 5, 1, "ev")
    assert found.last == database.ask(lambda queries: queries.last("A"))
    database.write(SetVehicle("A", NOW, keep=None))
    found = database.ask(lambda queries: queries.vehicle("A"))
    assert found is not None and (found.name, found.keep) == ("Anna's", 10), "a setting not given stays"


def test_a_vehicle_that_was_never_heard_is_known_by_its_settings(database: AnyDatabase) -> None:
    assert database.write(SetVehicle("silent", NOW, keep=7)) == [None]
    found = database.ask(lambda queries: queries.vehicle("silent"))
    assert found is not None
    assert (found.created, found.keep, found.kept, found.last) == (NOW, 7, 0, None)
    assert database.ask(lambda queries: queries.vehicle("nobody")) is None
    assert database.last("silent") is None and database.ring("silent") == []


def test_vehicles_are_found_by_the_beginning_of_their_ids(database: AnyDatabase) -> None:
    database.write(*(SetVehicle(vehicle, NOW) for vehicle in ("1A", "1B", "2", "0")))
    assert database.ask(lambda queries: queries.vehicles_from("1", 2)) == ["1A", "1B"]
    assert database.ask(lambda queries: queries.vehicles_from("1AA", 9)) == ["1B", "2"]
    assert database.ask(lambda queries: queries.vehicles_from("3", 9)) == []


def counts(database: AnyDatabase) -> StoredCounts:
    return database.ask(lambda queries: queries.counts())


def test_everything_is_counted(database: AnyDatabase) -> None:
    nothing = counts(database)
    assert nothing.keys() == records.StoredCounts.__annotations__.keys()
    assert {name for name, count in nothing.items() if count} == set()
    assert nothing["oldest_event"] is None
    database.write(*(arrival("A", time=NOW + n) for n in range(12)), arrival("A", time=1), arrival("B"))
    database.write(Reject(NOW, "POST /wlan", "e", "d", b"{}", b"b"), AddOwner("anna", "A", 1))
    database.write(Register("A", "A", "t", "anna", NOW))
    database.write(RecordEvents("A", b"{}", (NewEvent("left", NOW, "", b"{}"),), NOW + 7))
    later = Outcome(1, 0, "A", "t", "token", "state", "s", "later", "503", NOW, NOW, NOW, NOW + 500, 1)
    database.write(Outcomes((later,)))
    assert counts(database) == {
        "vehicles": 2,
        "statuses": 11,
        "too_old": 1,
        "registrations": 1,
        "owners": 1,
        "events_waiting": 1,
        "oldest_event": NOW + 7,
        "states_put_off": 1,
        "rejected": 1,
    }


def test_statuses_are_counted_by_what_the_rings_keep(database: AnyDatabase) -> None:
    """Also late ones, those of the future, and after a ring was raised."""
    said = [arrival(time=NOW + 10 * n) for n in range(6)]
    database.write(*said, arrival(time=NOW + 5), arrival(time=NOW + 9 * DAY_MS))
    assert counts(database)["statuses"] == 8
    database.open(capacity=3)
    database.tidy()
    assert counts(database)["statuses"] == 3
    database.open(capacity=30)
    database.write(*(arrival(time=NOW + 1000 + n) for n in range(9)))
    assert counts(database)["statuses"] == 12


def test_whether_a_vehicle_said_a_later_time(database: AnyDatabase) -> None:
    """What lies in the future says nothing of the server's clock."""
    assert not database.ask(lambda queries: queries.heard_after(0))
    database.write(arrival(), arrival(time=NOW + 9 * DAY_MS))
    assert database.ask(lambda queries: queries.heard_after(NOW - 1))
    assert not database.ask(lambda queries: queries.heard_after(NOW))


def fleet(database: AnyDatabase, search: FleetSearch, pages_of: int = 2) -> list[str]:
    """The vehicles that the search finds, page by page."""
    found, after = [], None
    while True:
        page = database.ask(lambda queries, at=after: queries.fleet(search, at, pages_of))
        assert len(page.rows) <= pages_of
        found += [row.vehicle for row in page.rows]
        if page.following is None:
            return found
        after = page.following


def charged(vehicle: str, time: int, charge: int | None, state: int = 1) -> Any:
    fields = {"state": state} if charge is None else {"state": state, "current_charge": charge}
    return arrival(vehicle, time=NOW + time, fields=json.dumps(fields).encode())


@pytest.fixture
def owned(database: AnyDatabase) -> AnyDatabase:
    """Anna owns A, B and the silent Z, and looks at C; D is Ben's."""
    database.write(charged("A", 3, 50), charged("B", 1, 90, 3), charged("C", 2, None), charged("D", 4, 70))
    anna = [AddOwner("anna", one, NOW) for one in ("A", "B", "Z")]
    database.write(*anna, AddOwner("anna", "C", NOW, "viewer"), AddOwner("ben", "D", NOW))
    return database


@pytest.mark.parametrize(
    ("order", "mine", "all_"),
    [
        ("id", "ABCZ", "ABCD"),
        ("age", "ACBZ", "DACB"),
        ("charge", "CZAB", "CADB"),
        ("attention", "ABCZ", "ABCD"),
    ],
)
def test_a_fleet_is_the_users_or_everyones_in_the_order_asked_for(
    owned: AnyDatabase, order: Any, mine: str, all_: str
) -> None:
    assert "".join(fleet(owned, FleetSearch("anna", everyones=False, order=order))) == mine
    assert "".join(fleet(owned, FleetSearch(order=order))) == all_
    down: Any = f"-{order}"
    assert "".join(fleet(owned, FleetSearch("anna", everyones=False, order=down))) == mine[::-1]
    assert "".join(fleet(owned, FleetSearch(order=down), 3)) == all_[::-1]
    assert {order, down} <= set(FLEET_ORDERS)


def test_a_fleet_is_restricted_by_all_conditions_at_once(owned: AnyDatabase) -> None:
    owned.write(SetProfile("B", Profile(name="Zoe", regNumber="1AB 2345")), SetVehicle("A", NOW, name="zoe's sister"))
    owned.write(RecordEvents("C", b'{"silent_since":5}', (), NOW))
    mine = FleetSearch("anna", everyones=False)
    for changed, found in (
        ({"state": 3}, "B"),
        ({"state": 2}, ""),
        ({"text": "ZO"}, "AB"),
        ({"text": "ab 2"}, "B"),
        ({"text": "%"}, ""),
        ({"text": "zo", "state": 1}, "A"),
        ({"staleness": "silent"}, "C"),
        ({"staleness": "fresh"}, "AB"),
        ({"staleness": "fresh", "stale_before": NOW + 1}, ""),
        ({"staleness": "never"}, "Z"),
        ({"vehicles": frozenset("BD")}, "B"),
        ({"vehicles": frozenset()}, ""),
    ):
        assert "".join(fleet(owned, mine._replace(**changed), 1)) == found, changed


def test_a_vehicle_shows_what_the_user_is_to_it(owned: AnyDatabase) -> None:
    def relation(vehicle: str, uid: str | None) -> Any:
        found = owned.ask(lambda queries: queries.vehicle(vehicle, uid))
        return found and (found.relation, found.last is not None, found.staleness)

    assert relation("A", "anna") == ("owner", True, "fresh")
    assert relation("C", "anna") == ("viewer", True, "fresh")
    assert relation("Z", "anna") == ("owner", False, "never")
    assert relation("A", "ben") == relation("A", None) == (None, True, "fresh")
    assert relation("Z", "ben") is relation("Z", None) is None


def test_a_profile_is_changed_member_by_member(owned: AnyDatabase) -> None:
    nothing = owned.ask(lambda queries: queries.profile("A"))
    assert nothing == dict.fromkeys(ProfileRow.__annotations__)
    first = Profile(name="Zoe", regNumber="1AB", type="ZE50", battery=52.0, maxVoltage=230.0, phases=3, zone="UTC")
    assert owned.write(SetProfile("A", first), SetProfile("A", Profile(regNumber=None, phases=1))) == [None, None]
    profile = owned.ask(lambda queries: queries.profile("A"))
    assert profile == {**msgspec.to_builtins(first), "regNumber": None, "phases": 1, "coarseLocation": None}
    assert owned.write(SetProfile("Z", first)) == [None], "owned, and never heard of"
    (refused,) = owned.write(SetProfile("NOBODY", first))
    assert isinstance(refused, UnknownVehicle)
