"""The rings on disk, against a plain sorted list: whatever arrives, in whatever groups, readers see the newest N."""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
from bisect import insort
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson
import pytest
from builders import NOW, arrival, new_store, ring_of, rows
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from evd.dev.fleet import Fleet, sigfox_callback, wlan_body
from evd.errors import EvdError
from evd.model.connectivity import SIGFOX
from evd.model.operations import Annotate, Arrive, MendClock, Operation, SetVehicle, Stored
from evd.model.retention import SHIFT_MAX, Verdict
from evd.model.status import vehicle_id
from evd.model.units import DAY_MS, HOUR_MS
from evd.payload.formats import Formats
from evd.sigfox.decode_policy import decode
from evd.sigfox.message import read_json, read_message
from evd.store.sqlite.connection import checkpoint
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.engine import REPAIR_AT_ONCE
from evd.store.sqlite.integrity import find_damage
from evd.store.sqlite.sqlite_library import sqlite3

VEHICLES = ("1", "2", "caravan")


class Kept(NamedTuple):
    """A status in the model's ring; tuples compare in the ring's order."""

    timely: bool
    time: int
    seq: int
    arrival: int
    status_id: str


class Model:
    """The promise, as a person would write it down: one sorted list a vehicle."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.keeps: dict[str, int] = {}
        self.rings: dict[str, list[Kept]] = {vehicle: [] for vehicle in VEHICLES}
        self.arrivals = 0

    def room(self, vehicle: str) -> int:
        return self.keeps.get(vehicle, self.capacity)

    def visible(self, vehicle: str) -> list[Kept]:
        return self.rings[vehicle][-self.room(vehicle) :]

    def last(self, vehicle: str) -> str | None:
        timely = [one for one in self.visible(vehicle) if one.timely]
        return timely[-1].status_id if timely else None

    def arrive(self, message: Arrive) -> Verdict:
        self.trim(message.vehicle)
        ring = self.rings[message.vehicle]
        held = next((one for one in ring if one.status_id == message.status_id), None)
        if held is not None:
            if held.timely or not message.timely:
                return Verdict.DUPLICATE
            ring.remove(held)
        self.arrivals += 1
        seq = -1 if message.seq is None else message.seq
        new = Kept(message.timely, message.time, seq, self.arrivals, message.status_id)
        full = len(ring) >= self.room(message.vehicle)
        if not new.timely and full:
            return Verdict.NO_ROOM
        if new.timely and full and new < self.visible(message.vehicle)[0]:
            return Verdict.TOO_OLD
        insort(ring, new)
        if new.timely:
            self.trim(message.vehicle)
        if not new.timely:
            return Verdict.AHEAD
        if ring[-1] != new:
            return Verdict.LATE
        return Verdict.NEWEST

    def mend_clock(self, until: int) -> None:
        for vehicle, ring in self.rings.items():
            self.trim(vehicle)
            ahead = [one for one in self.rings[vehicle] if not one.timely and one.time <= until]
            ring = self.rings[vehicle] = [one for one in self.rings[vehicle] if one not in ahead]
            for one in ahead:
                self.arrivals += 1
                insort(ring, one._replace(timely=True, arrival=self.arrivals))

    def trim(self, vehicle: str) -> None:
        self.rings[vehicle] = self.visible(vehicle)


class Message(NamedTuple):
    vehicle: str
    hours: int
    seq: int | None
    payload: bytes


class Again(NamedTuple):
    """The same message once more, whichever was sent so long ago."""

    age: int


class Keep(NamedTuple):
    vehicle: str
    keep: int | None


class Poison(NamedTuple):
    """An operation that no table can take."""

    keep: int


messages = st.builds(
    Message,
    st.sampled_from(VEHICLES),
    st.one_of(st.integers(-6, 0), st.integers(-2, 60)),
    st.sampled_from([None, 0, 1, 2]),
    st.sampled_from([b"", b"a", b"b"]),
)
steps = st.one_of(
    messages,
    messages,
    messages,
    st.builds(Again, st.integers(0, 12)),
    st.builds(Keep, st.sampled_from(VEHICLES), st.one_of(st.none(), st.integers(1, 8))),
    st.builds(Poison, st.sampled_from([0, -1, 2**63])),
)


class RingsAgainstAList(RuleBasedStateMachine):
    """Random vehicles, times, redeliveries, capacities, restarts and cuts into groups."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.path = self.directory / "evd.db"
        self.now = NOW
        self.sent: list[Arrive] = []

    def teardown(self) -> None:
        with contextlib.suppress(AttributeError):
            self.store.close()
        shutil.rmtree(self.directory)

    @initialize(
        capacity=st.integers(1, 8), shift_max=st.sampled_from([0, 1, 32]), lay_out_max=st.sampled_from([0, 3, 4096])
    )
    def first_start(self, capacity: int, shift_max: int, lay_out_max: int) -> None:
        """With small bounds a small ring does what a large one does."""
        self.bounds = {"shift_max": shift_max, "lay_out_max": lay_out_max}
        self.model = Model(capacity)
        self.open(capacity)

    def open(self, capacity: int) -> None:
        self.store = new_store(self.path, capacity=capacity)
        for bound, value in self.bounds.items():
            owner = self.store._rings if bound == "shift_max" else self.store._rings.upkeep
            setattr(owner, bound, value)

    @rule(capacity=st.integers(1, 8))
    def restart(self, capacity: int) -> None:
        self.store.close()
        self.open(capacity)
        self.model.capacity = capacity

    @rule(hours=st.integers(0, 30))
    def time_passes(self, hours: int) -> None:
        self.now += hours * HOUR_MS

    @rule(group=st.lists(steps, min_size=1, max_size=10))
    def a_group_is_written(self, group: list[Any]) -> None:
        operations = [self.operation(step) for step in group]
        results = self.store.write(operations)
        assert len(results) == len(operations)
        for step, operation, result in zip(group, operations, results, strict=True):
            if isinstance(operation, Arrive):
                expected = self.model.arrive(operation)
                assert result == Stored(expected)
            elif isinstance(step, Poison):
                assert isinstance(result, EvdError), "only the operation that fails has an error"
            else:
                assert result is None
                self.model.keeps.pop(step.vehicle, None)
                self.model.keeps |= {step.vehicle: step.keep} if step.keep else {}

    def operation(self, step: Any) -> Operation:
        if isinstance(step, Keep):
            return SetVehicle(step.vehicle, self.now, keep=step.keep)
        if isinstance(step, Poison):
            return SetVehicle(VEHICLES[0], self.now, keep=step.keep)
        if isinstance(step, Again) and self.sent:
            before = self.sent[-1 - step.age % len(self.sent)]
            timely = before.time <= self.now + DAY_MS
            return msgspec.structs.replace(before, received=self.now, timely=timely)
        message = step if isinstance(step, Message) else Message(VEHICLES[0], 0, None, b"")
        time = self.now + message.hours * HOUR_MS
        self.sent.append(arrival(message.vehicle, time=time, seq=message.seq, payload=message.payload, now=self.now))
        return self.sent[-1]

    @precondition(lambda self: self.sent)
    @rule()
    def tidying_ends(self) -> None:
        for _ in range(20):
            if not self.store.maintain():
                break
        else:
            raise AssertionError("tidying does not end")
        for vehicle in VEHICLES:
            self.model.trim(vehicle)

    @rule(days=st.integers(0, 3))
    def a_clock_that_was_behind_is_mended(self, days: int) -> None:
        self.now += days * DAY_MS
        self.store.write([MendClock(self.now + DAY_MS)])
        while self.store.maintain():
            pass
        self.model.mend_clock(self.now + DAY_MS)

    @invariant()
    def readers_see_the_newest(self) -> None:
        for vehicle in VEHICLES:
            expected = [one.status_id for one in self.model.visible(vehicle)]
            assert len(expected) <= self.model.room(vehicle)
            assert ring_of(self.path, vehicle) == expected
            last = rows(self.path, "SELECT status_id FROM fleet WHERE vehicle = ?", vehicle)
            assert (last[0][0] if last else None) == self.model.last(vehicle)

    @invariant()
    def nothing_else_is_on_disk(self) -> None:
        counted = dict(rows(self.path, ON_DISK))
        assert counted == {vehicle: len(ring) for vehicle, ring in self.model.rings.items() if ring}
        for vehicle, kept in rows(self.path, "SELECT vehicle, kept FROM capacities"):
            assert kept == counted.get(vehicle, 0)
        sorted_by = "SELECT {0}.vehicle, {1}.timely, {1}.time, {1}.seq FROM overflow AS o"
        with_rows = rows(self.path, sorted_by.format("o", "s") + " JOIN statuses AS s USING (place)")
        assert sorted(with_rows) == rows(self.path, sorted_by.format("o", "o")), "each has its row"
        counts = "SELECT number, overflow FROM vehicles WHERE overflow ORDER BY 1"
        assert rows(self.path, counts) == rows(self.path, "SELECT vehicle, count(*) FROM overflow GROUP BY 1")


RingsAgainstAList.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestRingsAgainstAList = RingsAgainstAList.TestCase


Opener = Callable[..., SqliteDatabase]
ON_DISK = """
SELECT v.vehicle, count(*) FROM vehicles AS v
JOIN statuses AS s ON v.number = CASE WHEN s.place < 0 THEN -s.place - 1 ELSE s.place END >> 20 GROUP BY 1"""


def verdicts(store: SqliteDatabase, *group: Arrive) -> list[Verdict]:
    return [result.verdict for result in store.write(group)]


def test_a_redelivery_changes_nothing(open_store: Opener, database: Path) -> None:
    store = open_store()
    first = arrival(document=b'{"first":1}')
    again = arrival(document=b'{"again":1}', fields=b'{"state":2}', now=NOW + 60_000)
    assert verdicts(store, first) == [Verdict.NEWEST]
    before = rows(database, "SELECT * FROM statuses")
    assert verdicts(store, again, again) == [Verdict.DUPLICATE] * 2
    assert rows(database, "SELECT * FROM statuses") == before


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


def test_a_setting_between_two_deliveries_of_a_group_hides_nothing(open_store: Opener, database: Path) -> None:
    store = open_store()
    results = store.write([arrival(), SetVehicle("386625", NOW, keep=5), arrival(), arrival(time=NOW - 1)])
    assert [result.verdict for result in results if result] == [Verdict.NEWEST, Verdict.DUPLICATE, Verdict.LATE]
    assert rows(database, "SELECT kept FROM capacities") == [(2,)]


def test_a_redelivery_after_eviction_is_not_kept_again(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=2)
    old = arrival(time=NOW - 3)
    store.write([old, arrival(time=NOW - 2), arrival(time=NOW - 1)])
    assert verdicts(store, old) == [Verdict.TOO_OLD]
    assert old.status_id not in ring_of(database)
    assert rows(database, "SELECT too_old FROM vehicles") == [(1,)]


def test_the_future_is_kept_flagged_and_nothing_else(open_store: Opener, database: Path) -> None:
    store = open_store()
    assert verdicts(store, arrival(time=NOW + DAY_MS)) == [Verdict.NEWEST], "24 h to the millisecond is timely"
    ahead = arrival(time=NOW + DAY_MS + 1)
    assert store.write([ahead]) == [Stored(Verdict.AHEAD)]
    assert rows(database, "SELECT status_id, kept FROM fleet") == [(arrival(time=NOW + DAY_MS).status_id, 2)]
    assert rows(database, "SELECT flags FROM history WHERE id = ?", ahead.status_id) == [("ahead",)]


def test_a_future_status_that_comes_again_when_its_time_is_near_is_the_same_one_and_timely(
    open_store: Opener, database: Path
) -> None:
    """So a message that came while the clock was behind counts once the clock is right and Sigfox repeats it."""
    store = open_store()
    ahead = arrival(time=NOW + DAY_MS + 1000)
    again = arrival(time=ahead.time, now=NOW + 60_000)
    assert verdicts(store, ahead, ahead) == [Verdict.AHEAD, Verdict.DUPLICATE]
    assert verdicts(store, again, again) == [Verdict.NEWEST, Verdict.DUPLICATE]
    kept = rows(database, "SELECT id, flags, received FROM statuses")
    assert kept == [(ahead.status_id, "", NOW)], "once, and as of when it came first"


def test_a_clock_that_was_behind_costs_no_status_its_rank(open_store: Opener, database: Path) -> None:
    """What the network said of a message goes with it."""
    store = open_store(capacity=200)
    said = [arrival(time=NOW + 3 * DAY_MS + number) for number in range(150)]
    far = arrival(time=NOW + 30 * DAY_MS)
    assert set(verdicts(store, arrival(), far, *said)) == {Verdict.NEWEST, Verdict.AHEAD}
    store.write([Annotate(said[7].vehicle, said[7].time, said[7].seq, None, "advanced", b'{"lqi":"GOOD"}', None, NOW)])
    assert rows(database, "SELECT status_id FROM fleet") == [(arrival().status_id,)]
    store.write([MendClock(NOW + 4 * DAY_MS)])
    while store.maintain():
        pass
    assert rows(database, "SELECT status_id, kept FROM fleet") == [(said[-1].status_id, 152)]
    assert ring_of(database) == [far.status_id, arrival().status_id, *(one.status_id for one in said)]
    assert rows(database, "SELECT flags FROM history WHERE flags <> ''") == [("ahead",)], "far ahead of any clock"
    assert rows(database, "SELECT id FROM statuses WHERE radio IS NOT NULL") == [(said[7].status_id,)]
    assert not find_damage(database)


def test_the_future_falls_out_first(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=2)
    late = arrival(time=NOW - 5)
    assert verdicts(store, arrival(time=NOW + 2 * DAY_MS), arrival(), late) == [
        Verdict.AHEAD,
        Verdict.NEWEST,
        Verdict.LATE,
    ]
    assert ring_of(database) == [late.status_id, arrival().status_id]


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


def test_lowering_one_vehicle_while_running_trims_its_ring(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=10)
    store.write([arrival(vehicle, time=NOW + i) for i in range(10) for vehicle in ("A", "B")])
    while store.maintain():
        pass
    store.write([SetVehicle("A", NOW, keep=2)])
    assert len(ring_of(database, "A")) == 2
    while store.maintain():
        pass
    assert rows(database, ON_DISK) == [("A", 2), ("B", 10)]


def test_a_ring_that_was_written_round_keeps_its_order_when_it_is_raised(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=3)
    store.write([arrival(time=NOW + i) for i in range(5)])
    store.close()
    store = open_store(capacity=5)
    assert store.maintain()
    assert ring_of(database) == [arrival(time=NOW + i).status_id for i in (2, 3, 4)]
    store.write([arrival(time=NOW + i) for i in (5, 6, 7)])
    assert ring_of(database) == [arrival(time=NOW + i).status_id for i in (3, 4, 5, 6, 7)]


def test_a_raised_ring_fills_up(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=2)
    store.write([arrival(time=NOW + i) for i in range(5)])
    store.close()
    store = open_store(capacity=4)
    store.write([arrival(time=NOW + i) for i in range(5, 9)])
    assert ring_of(database) == [arrival(time=NOW + i).status_id for i in range(5, 9)]


def test_arrivals_break_ties_across_a_restart(open_store: Opener, database: Path) -> None:
    first, second = arrival(payload=b"\x01"), arrival(payload=b"\x02")
    store = open_store()
    store.write([*(arrival("other", time=NOW + i) for i in range(5)), first])
    store.close()
    open_store().write([second])
    assert ring_of(database) == [first.status_id, second.status_id]


@pytest.mark.parametrize("shape", ["plain", "original", "wlan"])
@pytest.mark.parametrize(("vehicles", "capacity"), [(50, 20), (10, 100)])
def test_the_files_size_is_constant_over_ten_turns_of_the_rings(
    open_store: Opener, database: Path, vehicles: int, capacity: int, shape: str
) -> None:
    """±5 % of the size at the moment when all rings are full, for a simulated fleet's own callbacks."""
    store, fleet, chance = open_store(capacity=capacity), Fleet(vehicles, seed=1), random.Random(7)
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
    store.write([arrival(time=NOW + 2 * i) for i in range(slots)])
    late = arrival(time=NOW + 2 * int((slots - 1) * depth) + 1)
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
