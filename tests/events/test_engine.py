"""Events beside the callbacks: found in what is committed, and recorded once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from builders import NOW, arrival, rows
from event_chain import VEHICLE, Opener, register, running, waiting

from evd.config.settings import Config
from evd.daemon.wiring import shown_by_app
from evd.errors import Unavailable
from evd.model.operations import (
    AddOwner,
    Operation,
    RecordEvents,
    Register,
    SetEventSettings,
)
from evd.model.units import MINUTE_MS


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
