"""Events beside the callbacks: found in what is committed, recorded once, and made to wait for whoever wants them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from builders import NOW, ROOMY, arrival, rows

from evd.config.settings import Config
from evd.daemon.wiring import shown_by_app
from evd.errors import ConfigError, StoreBusy, Unavailable
from evd.events.engine import EventEngine
from evd.events.samples import Event
from evd.model.commits import CommitSummary
from evd.model.operations import (
    AddOwner,
    LimitReached,
    NewEvent,
    Operation,
    RecordEvents,
    Register,
    SetEventSettings,
    SetPreferences,
    UnknownVehicle,
)
from evd.model.units import HOUR_MS, MINUTE_MS
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.read.event_state import SqliteEventState
from evd.store.writer import Writer

Opener = Callable[..., SqliteDatabase]

VEHICLE = "386625"
NIGHT = b'{"quiet_hours": "22:00-07:00", "time_zone": "UTC"}'  # NOW is 22:13:20 UTC
MORNING = NOW + 8 * HOUR_MS + 46 * MINUTE_MS + 40_000


def register(
    token: str = "phone", *, uid: str = "martin", vehicle: str = VEHICLE, kind: Any = "token", at: int = NOW
) -> Register:
    return Register(vehicle, vehicle, token, uid, at, kind)


def event(number: int = 0, *, kind: str = "left", status: str = "s") -> NewEvent:
    return NewEvent(kind, NOW + number, status, b'{"place":"home"}')


def record(*events: NewEvent, vehicle: str = VEHICLE, at: int = NOW, state: bytes = b'{"time":1}') -> RecordEvents:
    return RecordEvents(vehicle, state, events, at)


def waiting(database: Path) -> list[tuple[Any, ...]]:
    return rows(
        database,
        "SELECT e.time, r.token, o.due, o.expires FROM outbox AS o JOIN events AS e ON e.number = o.event"
        " JOIN registrations AS r ON r.number = o.registration ORDER BY o.number",
    )


# What the store makes of an event


def test_an_event_waits_for_each_phone_of_its_vehicle(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(event_tries_s=60))
    store.write([register("a"), register("b", uid="eva"), register("c", vehicle="OTHER")])
    assert store.write([record(event())]) == [2]
    assert waiting(database) == [(NOW, token, NOW, NOW + 60_000) for token in "ab"]
    assert rows(database, "SELECT vehicle, kind, waiting FROM happenings") == [(VEHICLE, "left", 2)]
    assert rows(database, "SELECT state, settings FROM alert_states") == [('{"time":1}', None)]


def test_the_same_event_again_changes_nothing_but_what_is_remembered(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([register()])
    assert store.write([record(event()), record(event(), state=b'{"time":2}')]) == [1, 0]
    assert len(waiting(database)) == 1
    assert rows(database, "SELECT count(*), state FROM events, alert_states") == [(1, '{"time":2}')]


@pytest.mark.parametrize(
    ("settings", "kind", "due"),
    [
        (None, "token", NOW),
        (b"rubbish", "token", NOW),
        (b'{"kinds": {"left": false}}', "token", None),
        (b'{"kinds": {"arrived": false}}', "token", NOW),
        (NIGHT, "token", MORNING),
        (NIGHT, "fid", MORNING),
        (NIGHT, "webhook", NOW),
        (b'{"kinds": {"left": false}}', "webhook", NOW),
    ],
)
def test_a_phone_is_notified_as_its_user_wishes_and_a_webhook_everything_at_once(
    open_store: Opener, database: Path, settings: bytes | None, kind: str, due: int | None
) -> None:
    store = open_store()
    store.write([register(kind=kind)])
    if settings is not None:
        store.write([SetPreferences("martin", settings, NOW)])
    store.write([record(event())])
    assert [(when, expires - when) for _, _, when, expires in waiting(database)] == (
        [] if due is None else [(due, HOUR_MS)]
    )


def test_a_vehicle_keeps_its_newest_events_and_what_goes_is_sent_to_nobody(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(events_per_vehicle=2))
    store.write([register(), record(event(9), vehicle="OTHER")])
    store.write([record(event(1), event(2)), record(event(3))])
    assert rows(database, "SELECT vehicle, time FROM events ORDER BY number") == [
        *(("OTHER", NOW + 9), (VEHICLE, NOW + 2), (VEHICLE, NOW + 3))
    ]
    assert [time for time, *_ in waiting(database)] == [NOW + 2, NOW + 3]


def test_in_a_full_outbox_the_oldest_makes_room(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(outbox=3, events_per_vehicle=4))
    store.write([register("a"), register("b")])
    for number in range(5):
        store.write([record(event(number))])
    assert [(time - NOW, token) for time, token, *_ in waiting(database)] == [(3, "b"), (4, "a"), (4, "b")]


def test_settings_are_of_known_vehicles_and_stand_beside_what_is_remembered(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([arrival(), record()])
    unknown, done = store.write([SetEventSettings("OTHER", b"{}"), SetEventSettings(VEHICLE, b'{"low_charge":9}')])
    assert (type(unknown), done) == (UnknownVehicle, None)
    store.write([record(state=b'{"time":2}')])
    assert rows(database, "SELECT * FROM alert_states") == [(VEHICLE, '{"time":2}', '{"low_charge":9}')]
    store.write([SetEventSettings(VEHICLE, None)])
    assert rows(database, "SELECT * FROM alert_states") == [(VEHICLE, '{"time":2}', None)]


def test_as_many_users_have_preferences_as_there_may_be_owners(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(owners=1))
    results = store.write([SetPreferences(uid, b"{}", NOW) for uid in ("a", "b", "a")])
    assert [type(result) for result in results] == [type(None), LimitReached, type(None)]
    assert rows(database, "SELECT uid FROM preferences") == [("a",)]


# What the engine finds


class Chain:
    """A real store, writer and event engine; the wall clock shows NOW at the start and goes with trio's."""

    def __init__(self, store: SqliteDatabase, database: Path, **options: Any) -> None:
        self.database = database
        self.now = int(NOW - trio.current_time() * 1000)
        self.writer = Writer(
            store,
            queue_rows_max=1000,
            queue_bytes_max=1 << 20,
            batch_rows_max=100,
            answer_timeout_s=1e6,
        )
        self.watched = BusyAtTimes(database)
        settings: dict[str, Any] = {"queue_max": 100, "memories_max": 10} | options
        self.engine = EventEngine(
            self.watched, self.writer, clock=lambda: self.now + int(trio.current_time() * 1000), **settings
        )
        self.deaf = False
        self.writer.observers.append(self)

    def committed(self, summary: CommitSummary) -> None:
        if not self.deaf:
            self.engine.committed(summary)

    async def write(self, *operations: Operation) -> None:
        for operation in operations:
            await self.writer.write(operation)

    async def charge(self, *charges: float, minute: int = 0, state: int = 1, vehicle: str = VEHICLE) -> None:
        for number, charge in enumerate(charges):
            fields = json.dumps({"state": state, "current_charge": charge, "target_charge": 80}).encode()
            time = NOW + (minute + number) * MINUTE_MS
            await self.write(arrival(vehicle, time=time, payload=None, fields=fields, received=time, now=time))

    async def settled(self, clock: trio.testing.MockClock | None = None) -> list[str]:
        """The kinds of events, once the engine has looked at everything; `clock` helps it over what it waits for."""
        while self.engine.behind:
            await trio.lowlevel.checkpoint()
            if clock:
                await trio.testing.wait_all_tasks_blocked(0.001)
                clock.jump(0.1)
        return [kind for (kind,) in rows(self.database, "SELECT kind FROM events ORDER BY number")]

    async def walked(self, clock: trio.testing.MockClock, *, after_s: float = 600) -> list[str]:
        """As `settled`, once it has begun another walk after so much time, and ended it."""
        await trio.testing.wait_all_tasks_blocked(0.001)
        walks = self.engine.walks
        clock.jump(after_s)
        while self.engine.walks <= walks:
            await trio.lowlevel.checkpoint()
        return await self.settled()


class BusyAtTimes(SqliteEventState):
    busy = 0

    def _all(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        if self.busy:
            self.busy -= 1
            raise StoreBusy("another process is writing")
        return super()._all(sql, values)


@asynccontextmanager
async def running(store: SqliteDatabase, database: Path, **options: Any) -> AsyncIterator[Chain]:
    chain = Chain(store, database, **options)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(chain.writer.run)
        nursery.start_soon(chain.engine.run)
        yield chain
        nursery.cancel_scope.cancel()
    chain.engine.close()


async def test_a_charge_that_reaches_its_target_is_recorded_once_and_waits_for_the_phone(
    open_store: Opener, database: Path
) -> None:
    async with running(open_store(), database) as chain:
        await chain.write(register())
        await chain.charge(60, 70, 82, 83, 84)
        assert await chain.settled() == ["target_reached"]
        (told,) = rows(database, "SELECT e.time, s.id, e.details FROM events AS e JOIN ring AS s ON s.id = e.status_id")
        assert (told[0], json.loads(told[2])) == (NOW + 2 * MINUTE_MS, {"charge": 82, "target": 80, "how": "passed"})
        assert len(waiting(database)) == 1


async def test_statuses_that_show_nothing_new_write_nothing(open_store: Opener, database: Path) -> None:
    async with running(open_store(), database) as chain:
        await chain.write(register())
        await chain.charge(60, 61, 62, 63, 64, 65)
        await chain.settled()
        assert chain.writer.health.committed == 1 + 6 + 1  # a registration, six statuses, and the first one's memory


async def test_nobody_listens_to_a_vehicle_without_owner_phone_or_settings(open_store: Opener, database: Path) -> None:
    async with running(open_store(), database) as chain:
        await chain.charge(60, 85, 86)
        assert await chain.settled() == []
        await chain.charge(60, 70, vehicle="OWNED")
        await chain.charge(60, 70, vehicle="SET")
        await chain.write(AddOwner("martin", "OWNED", NOW), SetEventSettings("SET", b"{}"))
        await chain.charge(85, 86, minute=10, vehicle="OWNED")
        await chain.charge(85, 86, minute=10, vehicle="SET")
        assert await chain.settled() == ["target_reached"] * 2
        assert rows(database, "SELECT vehicle FROM events ORDER BY vehicle") == [("OWNED",), ("SET",)]


async def test_new_settings_hold_from_the_next_status_on(open_store: Opener, database: Path) -> None:
    async with running(open_store(), database) as chain:
        await chain.write(register())
        await chain.charge(60, 50, state=2)
        await chain.write(SetEventSettings(VEHICLE, b'{"low_charge": 50}'))
        await chain.charge(49, 49, minute=10, state=2)
        assert await chain.settled() == ["charge_low"]


async def test_what_a_crash_left_unlooked_at_is_reported_late_and_once(open_store: Opener, database: Path) -> None:
    """The statuses were committed, and evd died before it recorded what they show."""
    store = open_store()
    async with running(store, database) as chain:
        await chain.write(
            register(), AddOwner("martin", VEHICLE, NOW), SetEventSettings(VEHICLE, b'{"confirm_after_s": 0}')
        )
        await chain.charge(60, 70)
        await chain.settled()
        chain.deaf = True
        await chain.charge(85, minute=10)
    for _ in range(3):
        async with running(store, database) as chain:
            while not chain.engine.walks:
                await trio.lowlevel.checkpoint()
            assert await chain.settled() == ["target_reached"]


@pytest.mark.parametrize("again", [False, True])
async def test_what_no_second_reading_comes_for_is_reported_after_a_while_also_across_a_restart(
    open_store: Opener, database: Path, mock_clock: trio.testing.MockClock, again: bool
) -> None:
    """They came a minute apart, so a minute and a half."""
    store = open_store()
    async with running(store, database) as chain:
        await chain.write(register())
        await chain.charge(60, 85, minute=-1)
        assert await chain.settled() == []
        if not again:
            await trio.testing.wait_all_tasks_blocked(0.001)
            mock_clock.jump(89)
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert await chain.settled() == []
            mock_clock.jump(2)
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert await chain.settled() == ["target_reached"]
            return
    async with running(store, database) as chain:
        chain.now += 91_000
        while not chain.engine.walks:
            await trio.lowlevel.checkpoint()
        assert await chain.settled() == ["target_reached"]
        ((samples,),) = rows(database, "SELECT samples FROM events")
        assert [sample["current_charge"] for sample in json.loads(samples)] == [60, 85]


async def test_the_sample_before_is_read_from_the_ring_where_memory_has_it_not(
    open_store: Opener, database: Path
) -> None:
    async with running(open_store(), database, memories_max=1) as chain:
        await chain.write(register(), register(vehicle="OTHER"))
        for minute, charge in enumerate((60, 85, 86)):
            await chain.charge(charge, minute=minute)
            await chain.charge(charge, minute=minute, vehicle="OTHER")
            await chain.settled()
        told = [json.loads(samples) for (samples,) in rows(database, "SELECT samples FROM events")]
        assert [[sample["current_charge"] for sample in samples] for samples in told] == [[60, 85]] * 2


async def test_an_app_that_shows_an_event_itself_is_not_sent_it(open_store: Opener, database: Path) -> None:
    """The original's app, where the charge equals the target; beyond it, it says nothing."""
    shown = shown_by_app(Config())
    async with running(open_store(), database, shown_by_app=shown) as chain:
        for vehicle in ("EQUAL", "BEYOND"):
            await chain.write(
                Register(vehicle, vehicle, f"old {vehicle}", "martin", NOW, client="original"),
                Register(vehicle, vehicle, f"new {vehicle}", "martin", NOW),
                Register(vehicle, vehicle, f"hook {vehicle}", "webhook", NOW, "webhook", "original"),
            )
        await chain.charge(70, 80.4, 81, vehicle="EQUAL")
        await chain.charge(70, 82, 83, vehicle="BEYOND")
        assert await chain.settled() == ["target_reached"] * 2
        assert {token for _, token, *_ in waiting(database)} == {
            *("new EQUAL", "hook EQUAL"),
            *("old BEYOND", "new BEYOND", "hook BEYOND"),
        }


@pytest.mark.parametrize(
    ("settings", "details", "clients"),
    [
        ({}, {"charge": 80, "target": 80}, ("original",)),
        ({}, {"charge": 80.4, "target": 80}, ("original",)),
        ({"app": {"whole_numbers": False}}, {"charge": 80.4, "target": 80}, ()),
        ({"events": {"self_told_original": []}}, {"charge": 80, "target": 80}, ()),
        ({"events": {"self_told_v1": ["target_reached"]}}, {"charge": 80, "target": 80}, ("original", "v1")),
    ],
)
def test_which_apps_show_an_event_themselves_is_set(
    settings: dict[str, Any], details: dict[str, Any], clients: tuple[str, ...]
) -> None:
    shown = shown_by_app(msgspec.convert(settings, Config))
    assert shown(Event("target_reached", NOW, details)) == clients
    assert shown(Event("charge_low", NOW, details)) == ()


def test_a_kind_that_no_app_shows_itself_is_refused_with_a_sentence() -> None:
    with pytest.raises(ConfigError, match="no app shows 'left' by itself: use one of target_reached, or none"):
        shown_by_app(msgspec.convert({"events": {"self_told_v1": ["left"]}}, Config))


async def test_a_queue_that_is_full_costs_no_event_that_the_last_status_shows(
    open_store: Opener, database: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with running(open_store(), database, queue_max=1) as chain:
        vehicles = [f"V{number}" for number in range(5)]
        await chain.write(*[register(vehicle=vehicle) for vehicle in vehicles])
        for vehicle in vehicles:
            await chain.charge(60, vehicle=vehicle)
        assert await chain.walked(mock_clock) == []
        fields = b'{"state":1,"current_charge":90,"target_charge":80}'
        together = [arrival(vehicle, time=NOW + MINUTE_MS, fields=fields) for vehicle in vehicles]
        for receipt in [chain.writer.submit(one) for one in together]:
            await receipt.wait()
        assert chain.engine.waiting <= 1
        assert await chain.settled(mock_clock) == ["target_reached"] * 5


@pytest.mark.parametrize("busy", range(1, 6))
async def test_a_database_that_cannot_be_read_for_a_moment_costs_nothing(
    open_store: Opener, database: Path, busy: int, mock_clock: trio.testing.MockClock
) -> None:
    async with running(open_store(), database, memories_max=1) as chain:
        await chain.write(register(), register(vehicle="OTHER"))
        await chain.charge(60, 70)
        await chain.charge(60, 70, vehicle="OTHER")
        await chain.settled()
        chain.watched.busy = busy
        await chain.charge(85, 86, minute=10)
        await chain.charge(85, 86, minute=10, vehicle="OTHER")
        assert await chain.settled(mock_clock) == ["target_reached"] * 2


async def test_what_the_writer_has_no_room_for_is_written_later(
    open_store: Opener, database: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with running(open_store(), database) as chain:
        await chain.write(register())
        await chain.charge(60, 70)
        await chain.settled()
        submit = chain.writer.submit
        refusals = iter(range(3))

        def crowded(operation: Operation) -> Any:
            if isinstance(operation, RecordEvents) and next(refusals, None) is not None:
                raise Unavailable("evd receives more than it can write: send it again later")
            return submit(operation)

        chain.writer.submit = crowded  # type: ignore[method-assign]
        await chain.charge(85, 86, minute=10)
        assert await chain.settled(mock_clock) == ["target_reached"]
        assert next(refusals, None) is None


async def test_memory_of_vehicles_is_bounded_and_what_was_forgotten_is_read_again(
    open_store: Opener, database: Path
) -> None:
    async with running(open_store(), database, memories_max=2) as chain:
        vehicles = [f"V{number}" for number in range(6)]
        for vehicle in vehicles:
            await chain.write(register(vehicle=vehicle))
            await chain.charge(60, 82, vehicle=vehicle)
        for vehicle in vehicles:
            await chain.charge(83, minute=20, vehicle=vehicle)
        assert await chain.settled() == ["target_reached"] * 6
        assert len(chain.engine._vehicles) == 2


# Silence


async def test_a_vehicle_that_is_silent_for_longer_than_usual_is_reported_and_then_that_it_speaks(
    open_store: Opener, database: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with running(open_store(capacity=8), database) as chain:
        await chain.write(register(), register(vehicle="RARE"))
        await chain.charge(*range(50, 61))  # the ring has gone round
        for hour in range(6):
            await chain.charge(50, minute=-60 * (6 - hour), vehicle="RARE")
        assert await chain.walked(mock_clock) == []
        assert await chain.walked(mock_clock, after_s=3500) == []
        assert await chain.walked(mock_clock) == ["silent"]
        assert await chain.walked(mock_clock) == ["silent"]
        (told,) = rows(database, "SELECT vehicle, status_id, details FROM events")
        assert told == (VEHICLE, "", '{"hours":1.1}')
        await chain.charge(62, minute=120)
        assert await chain.settled() == ["silent", "heard_again"]


async def test_a_clock_that_leaps_makes_no_silence(
    open_store: Opener, database: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with running(open_store(), database) as chain:
        await chain.write(register())
        await chain.charge(*range(50, 60))
        await chain.walked(mock_clock)
        chain.now += 100 * HOUR_MS
        assert await chain.walked(mock_clock) == []
        assert await chain.walked(mock_clock, after_s=4000) == ["silent"]


def test_what_the_walk_asks_is_found_by_indexes(open_store: Opener, database: Path) -> None:
    from evd.store.sqlite.read import event_state as watched
    from evd.store.sqlite.tables import events

    open_store()
    for sql, values in (
        (watched._VEHICLES, ("", 64)),
        (watched._ALERTS, (VEHICLE,)),
        (events._LISTENERS, (VEHICLE,)),
        (events._SURPLUS, (VEHICLE, 200)),
        (events._WITHDRAW, (1, VEHICLE)),
    ):
        steps = [step for *_, step in rows(database, f"EXPLAIN QUERY PLAN {sql}", *values)]
        assert not [step for step in steps if step.startswith("SCAN")], steps


def test_two_places_reached_and_two_temperatures_too_high_in_one_status_are_four_events(
    open_store: Opener, database: Path
) -> None:
    store = open_store()
    store.write([Register("386625", "386625", "phone", "martin", NOW)])
    new = tuple(
        NewEvent(kind, NOW, "status", json.dumps({"which": which}).encode())
        for kind, which in (("arrived", "home"), ("arrived", "city"), ("temperature", "in"), ("temperature", "out"))
    )
    for expected in (4, 0):
        assert store.write([RecordEvents("386625", b"{}", new, NOW)]) == [expected]
    assert rows(database, "SELECT count(*) FROM events") == [(4,)]


def test_a_vehicle_whose_clock_ran_ahead_once_is_heard_while_it_speaks(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=100)
    minute = HOUR_MS // 60
    store.write([arrival(time=NOW + 20 * HOUR_MS, now=NOW)])
    store.write([arrival(time=NOW + at * minute, now=NOW + at * minute) for at in range(10, 200, 10)])
    watched = SqliteEventState(database)
    assert max(watched.received_of("386625")) == NOW + 190 * minute
    watched.close()
