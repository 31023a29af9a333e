"""What is in flight is counted, bounded and waited for."""

from __future__ import annotations

import trio
import trio.testing

from evd.push.in_flight import InFlight


def test_there_is_room_for_so_many() -> None:
    pushes = InFlight(3)
    pushes.begin()
    pushes.begin()
    assert (pushes.count, pushes.room) == (2, 1)
    pushes.end(2)
    assert (pushes.count, pushes.room) == (0, 3)


async def test_who_drains_waits_for_the_last_one_and_leaves_no_room() -> None:
    pushes = InFlight(3)
    pushes.begin()
    pushes.begin()
    drained = trio.Event()

    async def drain() -> None:
        await pushes.drain()
        drained.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(drain)
        await trio.testing.wait_all_tasks_blocked()
        assert (pushes.room, pushes.draining) == (0, True)
        pushes.end()
        await trio.testing.wait_all_tasks_blocked()
        assert not drained.is_set()
        pushes.end()
        await trio.testing.wait_all_tasks_blocked()
        assert drained.is_set()


async def test_where_none_is_in_flight_a_drain_ends_at_once() -> None:
    pushes = InFlight(3)
    pushes.begin()
    pushes.end()
    with trio.fail_after(30):
        await pushes.drain()
