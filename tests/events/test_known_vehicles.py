"""The cache of vehicles: what it holds is not read again, and it holds no more than its bound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from builders import NOW, arrival

from evd.events.known_vehicles import KnownVehicles
from evd.events.memory import VehicleMemory, stored
from evd.model.event_settings import DEFAULTS
from evd.model.operations import RecordEvents, SetEventSettings
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.read.event_state import SqliteEventState


class Counting(SqliteEventState):
    """Notes which vehicles were read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.read: list[str] = []

    def event_settings_of(self, vehicle: str) -> tuple[bytes | None, bytes | None]:
        self.read.append(vehicle)
        return super().event_settings_of(vehicle)


@pytest.fixture
def store(open_store: Callable[..., SqliteDatabase]) -> SqliteDatabase:
    return open_store()


@pytest.fixture
def state(store: SqliteDatabase, database: Path) -> Counting:
    return Counting(database)


def test_what_is_stored_of_a_vehicle_is_read_once(store: SqliteDatabase, state: Counting) -> None:
    memory = VehicleMemory(time=NOW, low=19.0)
    store.write(
        [arrival("A"), SetEventSettings("A", b'{"low_charge": 50}'), RecordEvents("A", stored(memory), (), NOW)]
    )
    known = KnownVehicles(state, 2)
    a = known.remember("A")
    assert (a.memory, a.sample, known.settings_of("A", a).low_charge) == (memory, None, 50)
    assert known.remember("A") is known.look_up("A") is a
    assert (known.remember("B").memory, state.read, len(known)) == (VehicleMemory(), ["A", "B"], 2)


def test_the_least_recently_used_vehicle_makes_room(state: Counting) -> None:
    known = KnownVehicles(state, 2)
    for vehicle in "ABAC":
        known.remember(vehicle)
    state.read.clear()
    for vehicle in "ACB":
        known.remember(vehicle)
    assert (state.read, len(known)) == (["B"], 2)


def test_a_walk_over_all_vehicles_evicts_none(state: Counting) -> None:
    known = KnownVehicles(state, 1)
    a = known.remember("A")
    assert known.look_up("B") is not known.look_up("B")
    assert (known.remember("A"), len(known)) == (a, 1)


def test_changed_settings_are_read_when_they_are_needed(store: SqliteDatabase, state: Counting) -> None:
    known = KnownVehicles(state, 2)
    a = known.remember("A")
    assert known.settings_of("A", a) is DEFAULTS
    store.write([arrival("A"), SetEventSettings("A", b'{"low_charge": 50}')])
    known.settings_changed("A")
    known.settings_changed("NONE")
    assert [known.settings_of("A", a).low_charge for _ in range(2)] == [50, 50]
    assert state.read == ["A", "A"]
