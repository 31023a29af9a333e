"""Vehicles: what was set, what each said in all, and the counts of everything."""

from __future__ import annotations

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
    SetVehicle,
)
from evd.model.units import DAY_MS
from evd.store import records
from evd.store.records import FLEET_KEYS, StoredCounts


def test_a_vehicle_has_what_was_set_and_what_it_said(database: AnyDatabase) -> None:
    database.write(arrival("A"), SetVehicle("A", NOW, keep=5, name="Anna's"), SetVehicle("A", NOW, format="ev"))
    found = database.ask(lambda queries: queries.vehicle("A"))
    assert found is not None and found.keys() >= FLEET_KEYS
    assert (found["name"], found["keep"], found["kept"], found["format"]) == ("Anna's", 5, 1, "ev")
    assert (found["status_id"], found["last_time"]) == (arrival("A").status_id, "2023-11-14 22:13:20")
    assert (found["channel"], found["state"], found["age_s"] > 0) == ("sigfox", "charging", True)
    database.write(SetVehicle("A", NOW, keep=None))
    found = database.ask(lambda queries: queries.vehicle("A"))
    assert found is not None and (found["name"], found["keep"]) == ("Anna's", 10), "a setting not given stays"


def test_a_vehicle_that_was_never_heard_is_known_by_its_settings(database: AnyDatabase) -> None:
    assert database.write(SetVehicle("silent", NOW, keep=7)) == [None]
    found = database.ask(lambda queries: queries.vehicle("silent"))
    assert found is not None
    assert (found["created"], found["keep"], found["kept"], found["last_time"]) == (NOW, 7, 0, None)
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
