"""Silence beside the callbacks: whom the engine's walk finds silent, and who speaks again."""

from __future__ import annotations

from pathlib import Path

import trio
import trio.testing
from builders import rows
from event_chain import VEHICLE, Opener, register, running

from evd.model.units import HOUR_MS


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
