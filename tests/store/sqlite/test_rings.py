"""The rings on disk: circles and overflow, their shapes and sizes, and their repair. What any engine's rings do is in
the contract."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from builders import NOW, arrival, ring_of, rows
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant
from ring_model import VEHICLES, RingMachine

from evd.dev.fleet import Fleet, sigfox_callback, wlan_body
from evd.model.connectivity import SIGFOX
from evd.model.operations import Arrive, MergeVehicle, Stored
from evd.model.retention import SHIFT_MAX, Verdict
from evd.model.status import vehicle_id
from evd.payload.formats import Formats
from evd.sigfox.decode_policy import decode
from evd.sigfox.message import read_json, read_message
from evd.store.sqlite.connection import checkpoint
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.engine import REPAIR_AT_ONCE
from evd.store.sqlite.sqlite_library import sqlite3


class SqliteRings(RingMachine):
    """The contract's walks, with small bounds, so that a small ring does what a large one does; and the tables."""

    def __init__(self) -> None:
        super().__init__("sqlite")

    @initialize(
        capacity=st.integers(1, 8),
        shift_max=st.sampled_from([0, 1, 32]),
        lay_out_max=st.sampled_from([0, 3, 4096]),
        objects_max=st.sampled_from([1, 2, 1000]),
    )
    def first_start(self, capacity: int, shift_max: int, lay_out_max: int, objects_max: int) -> None:
        self.bounds = {"shift_max": shift_max, "lay_out_max": lay_out_max}
        self.objects_max = objects_max
        super().first_start(capacity)

    def open(self, capacity: int) -> None:
        super().open(capacity)
        rings: Any = self.database.store._rings  # type: ignore[attr-defined]
        for bound, value in self.bounds.items():
            setattr(rings if bound == "shift_max" else rings.upkeep, bound, value)
        rings._heads.objects_max = rings._heads.objects_with_fold_max = self.objects_max

    @invariant()
    def nothing_else_is_on_disk(self) -> None:
        path = self.database.path
        counted = dict(rows(path, ON_DISK))
        assert counted == {vehicle: len(ring) for vehicle, ring in self.model.rings.items() if ring}
        for vehicle, kept in rows(path, "SELECT vehicle, kept FROM capacities"):
            assert kept == counted.get(vehicle, 0)
        for vehicle in VEHICLES:
            assert ring_of(path, vehicle) == [one.status_id for one in self.model.visible(vehicle)], "the view's order"
        sorted_by = "SELECT {0}.vehicle, {1}.timely, {1}.time, {1}.seq FROM overflow AS o"
        with_rows = rows(path, sorted_by.format("o", "s") + " JOIN statuses AS s USING (place)")
        assert sorted(with_rows) == rows(path, sorted_by.format("o", "o")), "each has its row"
        counts = "SELECT number, overflow FROM vehicles WHERE overflow ORDER BY 1"
        assert rows(path, counts) == rows(path, "SELECT vehicle, count(*) FROM overflow GROUP BY 1")


SqliteRings.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestSqliteRings = SqliteRings.TestCase


Opener = Callable[..., SqliteDatabase]
ON_DISK = """
SELECT v.vehicle, count(*) FROM vehicles AS v
JOIN statuses AS s ON v.number = CASE WHEN s.place < 0 THEN -s.place - 1 ELSE s.place END >> 20 GROUP BY 1"""


def verdicts(store: SqliteDatabase, *group: Arrive) -> list[Verdict]:
    return [result.verdict for result in store.write(group)]


@pytest.mark.parametrize("capacity", [1, 2, 3, 7, 8, 9, 20])
def test_readers_and_the_next_start_know_the_newest_though_its_ring_was_not_written_down(
    open_store: Opener, database: Path, capacity: int
) -> None:
    """In order, one commit each: a ring's shape is written with the first and with some of the others."""
    store, said = open_store(capacity=capacity), []
    for number in range(3 * capacity + 20):
        said.append(arrival(time=NOW + number))
        store.write([said[-1]])
        kept = said[-capacity:]
        assert rows(database, "SELECT kept, keep FROM capacities") == [(len(kept), capacity)]
        assert rows(database, "SELECT id FROM last") == [(said[-1].status_id,)]
        assert rows(database, "SELECT id FROM ring ORDER BY position") == [(one.status_id,) for one in kept]
        if number % 3 == 0:
            store.close()
            store = open_store(capacity=capacity)
            assert verdicts(store, said[-1]) == [Verdict.DUPLICATE]
    (written,) = rows(database, "SELECT newest FROM vehicles")[0]
    assert capacity < 9 or written != (len(said) - 1) % capacity or len(said) % 8 == 1


def test_a_lowered_ring_shrinks_at_once_for_readers_and_vehicle_by_vehicle_on_disk(
    open_store: Opener, database: Path
) -> None:
    vehicles = ("A", "B", "C")
    store = open_store(capacity=10)
    store.write([arrival(vehicle, time=NOW - i) for vehicle in vehicles for i in range(17, 0, -1)])
    store.close()
    store = open_store(capacity=3)
    newest = [arrival("A", time=NOW - i).status_id for i in (3, 2, 1)]
    assert ring_of(database, "A") == newest
    assert rows(database, ON_DISK) == [("A", 10), ("B", 10), ("C", 10)]
    assert store.maintain(), "more is left"
    assert rows(database, ON_DISK) == [("A", 3), ("B", 10), ("C", 10)]
    assert verdicts(store, arrival("B", time=NOW - 4, seq=7)) == [Verdict.TOO_OLD], "room on disk is none in the ring"
    assert rows(database, ON_DISK) == [("A", 3), ("B", 3), ("C", 10)], "its own ring first"
    while store.maintain():
        pass
    assert rows(database, ON_DISK) == [("A", 3), ("B", 3), ("C", 3)]
    assert verdicts(store, arrival("A", time=NOW)) == [Verdict.NEWEST]
    assert ring_of(database, "A") == [*newest[1:], arrival("A", time=NOW).status_id]


@pytest.mark.parametrize(
    ("vehicles", "capacity", "shape"), [(50, 20, "plain"), (50, 20, "original"), (50, 20, "wlan"), (10, 100, "plain")]
)
def test_the_files_size_is_constant_over_ten_turns_of_the_rings(
    open_store: Opener, database: Path, vehicles: int, capacity: int, shape: str
) -> None:
    """±5 % of the size at the moment when all rings are full, for a simulated fleet's own callbacks.

    What is derived outlives the rings and grows for `retention.rollup_days`, so it is left out.
    """
    store, fleet, chance = open_store(capacity=capacity, rollup_days=0), Fleet(vehicles, seed=1), random.Random(7)
    formats, seconds = Formats({}, "ev"), count(1_600_000_000, 60)

    def said_by(vehicle: str) -> Arrive:
        state = fleet.step(vehicle, next(seconds))
        body = orjson.dumps(wlan_body(state) if shape == "wlan" else sigfox_callback(state, shape))
        message = read_message(read_json(body))
        fields = decode(message, None, formats.default, SIGFOX).fields
        said = {"seq": message.seq, "payload": message.payload, "document": body, "fields": fields}
        return arrival(message.vehicle, time=message.time, **said)

    def turn() -> int:
        """Every vehicle says as much as its ring holds, in random order; the file's size in bytes afterwards."""
        speakers = list(fleet.vehicles) * capacity
        chance.shuffle(speakers)
        for first in range(0, len(speakers), 25):
            store.write([said_by(vehicle) for vehicle in speakers[first : first + 25]])
        checkpoint(store._db, "TRUNCATE")
        return database.stat().st_size

    filled = turn()
    assert rows(database, ON_DISK) == [(vehicle_id(vehicle), capacity) for vehicle in sorted(fleet.vehicles)]
    sizes = [turn() for _ in range(10)]
    assert [size for size in sizes if not 0.95 * filled <= size <= 1.05 * filled] == []


@pytest.mark.parametrize("depth", [0.0, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("slots", [200, 20_000])
def test_a_late_status_costs_the_same_however_long_its_ring_is(
    open_store: Opener, database: Path, slots: int, depth: float
) -> None:
    store = open_store(capacity=slots)
    parked = {"fields": b'{"state":0,"current_charge":50}'}
    store.write([arrival(time=NOW + 2 * i, **parked) for i in range(slots)])
    late = arrival(time=NOW + 2 * int((slots - 1) * depth) + 1, **parked)
    statements: list[str] = []
    changed = store._db.total_changes
    store._db.set_trace_callback(statements.append)
    assert verdicts(store, late) == [Verdict.LATE]
    store._db.set_trace_callback(None)
    assert len(statements) <= 60, "it is looked for by halving"
    assert store._db.total_changes - changed <= 2 * SHIFT_MAX
    assert len(ring_of(database)) == slots
    assert verdicts(store, late) == [Verdict.DUPLICATE]


def test_what_stands_beside_its_circle_falls_out_in_its_turn(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=100)
    in_order = [arrival(time=NOW + 2 * i) for i in range(100)]
    late = [arrival(time=NOW + 2 * i + 1) for i in range(49, 29, -1)]
    store.write([*in_order, *late])
    assert rows(database, "SELECT overflow > 0 FROM vehicles") == [(1,)]
    expected = sorted([*in_order, *late], key=lambda one: one.time)[-100:]
    assert ring_of(database) == [one.status_id for one in expected]
    newer = [arrival(time=NOW + 1000 + i) for i in range(75)]
    store.write(newer)
    assert ring_of(database) == [one.status_id for one in [*expected, *newer][-100:]]
    assert rows(database, "SELECT overflow, (SELECT count(*) FROM overflow) FROM vehicles") == [(0, 0)]
    assert rows(database, ON_DISK) == [("386625", 100)]


def test_a_step_that_meets_a_damaged_ring_loses_nothing_of_the_other_one(open_store: Opener, database: Path) -> None:
    """Statuses arrive from the ring of a merged vehicle."""
    store = open_store(capacity=20, rollup_days=0)
    store.write([arrival(vehicle, time=NOW + i) for i in range(9) for vehicle in "AB"])
    store.write([MergeVehicle("A", "B", NOW)])
    store.close()
    foreign = sqlite3.connect(str(database))
    foreign.execute("DELETE FROM statuses WHERE place = (2 << 20) + 8")  # the newest of B
    foreign.commit()
    foreign.close()
    store = open_store(capacity=20, rollup_days=0)
    while store.maintain():
        pass
    expected = {arrival("A", time=NOW + i).status_id for i in range(9)}
    assert set(ring_of(database, "B")) == expected | {arrival("B", time=NOW + i).status_id for i in range(8)}


DAMAGES = {
    "all rows are gone": "DELETE FROM statuses WHERE place BETWEEN 1048576 AND 2097151",
    "the newest is gone": "DELETE FROM statuses WHERE place = 1048576 + 9",
    "every second one is gone": "DELETE FROM statuses WHERE place BETWEEN 1048576 AND 2097151 AND place % 2",
    "a row was moved": "UPDATE statuses SET place = 1048576 + 77 WHERE place = 1048576 + 5",
    "what stood beside is gone": "DELETE FROM statuses WHERE place < 0",
    "what stood beside is not sorted": "DELETE FROM overflow",
    "the shape is wrong": "UPDATE vehicles SET kept = 10, newest = 3 WHERE number = 1",
}


@pytest.mark.parametrize("at_once_max", [REPAIR_AT_ONCE, 0], ids=["in the loop", "beside it"])
@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_ring_that_someone_else_changed_is_repaired_and_costs_no_other_vehicle_anything(
    open_store: Opener,
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: str,
    restarted: bool,
    at_once_max: int,
) -> None:
    monkeypatch.setattr("evd.store.sqlite.engine.REPAIR_AT_ONCE", at_once_max)
    store = open_store(capacity=20)
    store._rings.shift_max = 0
    store.write([arrival("A", time=NOW + 2 * i) for i in range(9)] + [arrival("B"), arrival("A", time=NOW + 7)])
    if restarted:
        store.close()
    foreign = sqlite3.connect(str(database))
    foreign.execute(damage)
    foreign.commit()
    foreign.close()
    if restarted:
        store = open_store(capacity=20)
    left = set(ring_of(database, "A"))
    late, newer, other = arrival("A", time=NOW + 3), arrival("A", time=NOW + 100), arrival("B", time=NOW + 1)
    results = store.write([late, newer, other])
    assert results[2] == Stored(Verdict.NEWEST)
    for _ in range(2):
        while store.maintain():
            pass
        again = store.write([late, newer, other])
    assert {type(result) for result in again} == {Stored}
    ring = ring_of(database, "A")
    assert {late.status_id, newer.status_id} <= set(ring)
    assert ring[-1] == newer.status_id == rows(database, "SELECT id FROM last WHERE vehicle = 'A'")[0][0]
    assert len(ring) == len(set(ring)) <= 20
    assert damage.startswith("UPDATE") or set(ring) >= left
    assert ring_of(database, "B") == [arrival("B").status_id, other.status_id]
