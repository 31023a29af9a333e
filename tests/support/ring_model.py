"""The rings as a person would write them down, one sorted list a vehicle; and random walks of a store beside it."""

from __future__ import annotations

import shutil
import tempfile
from bisect import insort
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from any_engine import WHOLE, AnyDatabase
from builders import NOW, arrival
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from evd.errors import EvdError
from evd.model.operations import Arrive, MendClock, Operation, SetVehicle, Stored
from evd.model.retention import Verdict
from evd.model.units import DAY_MS, HOUR_MS
from evd.store.engines import ENGINES
from evd.store.queries import Queries
from evd.store.records import NUMBER_MAX, TimeSpan

VEHICLES = ("1", "2", "caravan")


class Kept(NamedTuple):
    """A status in the model's ring; tuples compare in the ring's order."""

    timely: bool
    time: int
    seq: int
    arrival: int
    status_id: str


class Model:
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
        for vehicle in self.rings:
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


class RingMachine(RuleBasedStateMachine):
    """Random vehicles, times, redeliveries, capacities, restarts and cuts into groups."""

    def __init__(self, engine: str) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.database = AnyDatabase(ENGINES[engine], self.directory / "evd.db")
        self.now = NOW
        self.sent: list[Arrive] = []

    def teardown(self) -> None:
        self.database.close()
        shutil.rmtree(self.directory)

    @initialize(capacity=st.integers(1, 8))
    def first_start(self, capacity: int) -> None:
        self.model = Model(capacity)
        self.open(capacity)

    def open(self, capacity: int) -> None:
        self.database.open(capacity=capacity)

    @rule(capacity=st.integers(1, 8))
    def restart(self, capacity: int) -> None:
        self.open(capacity)
        self.model.capacity = capacity

    @rule(hours=st.integers(0, 30))
    def time_passes(self, hours: int) -> None:
        self.now += hours * HOUR_MS

    @rule(group=st.lists(steps, min_size=1, max_size=10))
    def a_group_is_written(self, group: list[Any]) -> None:
        operations = [self.operation(step) for step in group]
        results = self.database.write(*operations)
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
        self.database.tidy()
        for vehicle in VEHICLES:
            self.model.trim(vehicle)

    @rule(days=st.integers(0, 3))
    def a_clock_that_was_behind_is_mended(self, days: int) -> None:
        self.now += days * DAY_MS
        self.database.write(MendClock(self.now + DAY_MS))
        self.database.tidy()
        self.model.mend_clock(self.now + DAY_MS)

    @invariant()
    def readers_see_the_newest(self) -> None:
        async def seen(queries: Queries) -> list[tuple[list[str], str | None]]:
            found = []
            for vehicle in VEHICLES:
                span = TimeSpan(vehicle, -NUMBER_MAX, NUMBER_MAX)
                ring, more = await queries.range_page(span, None, WHOLE)
                assert not more
                last = await queries.last(vehicle)
                found.append(([one.status_id for one in ring], last.status_id if last else None))
            return found

        for vehicle, (ring, last) in zip(VEHICLES, self.database.ask(seen), strict=True):
            visible = self.model.visible(vehicle)
            assert len(visible) <= self.model.room(vehicle)
            # A page is sorted by time: what lies in the future stands where its time says.
            by_time = sorted(visible, key=lambda one: (one.time, one.seq, one.timely, one.arrival))
            assert ring == [one.status_id for one in by_time]
            assert last == self.model.last(vehicle)
