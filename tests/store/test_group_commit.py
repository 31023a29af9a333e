"""Group commit: long groups are prepared in slices, a lone operation is answered at once, and all learn of it after."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import trio
from builders import NOW, arrival, ring_of
from scripted_store import Numbered, ScriptedStore, Watching, new_writer, running, until
from trio.testing import MockClock, wait_all_tasks_blocked

from evd.errors import EvdError, StoreBusy, StoreFull, Unavailable
from evd.model.commits import CommitSummary
from evd.model.operations import AddKey, SetVehicle
from evd.model.retention import Verdict
from evd.store.group_commit import LINGER_AGAIN_S, SLICE_S
from evd.store.sqlite.database import SqliteDatabase
from evd.store.writer import BUSY_RETRY_S, Writer


async def test_a_receipt_is_settled_only_after_the_commit(store: ScriptedStore, mock_clock: MockClock) -> None:
    happened: list[str] = []
    writer = new_writer(store)
    writer.observers.append(Watching(lambda summary: happened.append("commit")))
    store.gate.clear()

    async def wait_for_it() -> None:
        await writer.write(Numbered(7))
        happened.append("woken")

    async with running(writer), trio.open_nursery() as nursery:
        nursery.start_soon(wait_for_it)
        await store.is_entered()
        await wait_all_tasks_blocked()
        assert happened == []
        happened.append("gate")
        store.gate.set()
    assert happened == ["gate", "commit", "woken"]


async def test_the_loop_goes_on_between_the_slices_of_a_long_group(store: ScriptedStore, mock_clock: MockClock) -> None:
    seconds = count(0, SLICE_S)
    writer = new_writer(store, timer=lambda: next(seconds))
    store.pauses = 6
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while not first.done:
            turns += 1
            await trio.lowlevel.checkpoint()

    store.wants_maintenance = False
    async with running(writer), trio.open_nursery() as nursery:
        await wait_all_tasks_blocked()
        first = writer.submit(Numbered(0))
        nursery.start_soon(count_turns)
        later = writer.submit(Numbered(1))
        assert [await receipt.wait() for receipt in (first, later)] == [0, 1]
    assert turns >= store.pauses
    assert store.groups == [[0], [1]], "what comes meanwhile is the next group"


async def test_short_pauses_of_a_group_share_a_slice(store: ScriptedStore, mock_clock: MockClock) -> None:
    writer = new_writer(store, timer=lambda: 0.0)
    store.pauses = 100
    store.wants_maintenance = False
    async with running(writer):
        await wait_all_tasks_blocked()
        writer.submit(Numbered(0))
        assert store.sizes == [1], "prepared at once"


async def test_a_writer_that_is_cancelled_between_slices_undoes_them(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    seconds = count(0, SLICE_S)
    writer = new_writer(store, timer=lambda: next(seconds))
    store.pauses = 1_000_000
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        receipt = writer.submit(Numbered(0))
        while not store.open:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    with pytest.raises(Unavailable):
        await receipt.wait()
    assert store.undone == 1


async def test_a_poisoned_operation_does_not_cost_its_batch(
    open_store: Callable[..., SqliteDatabase], database: Path
) -> None:
    seen: list[CommitSummary] = []
    writer = new_writer(open_store())
    writer.observers.append(Watching(seen.append))
    good, poison, key = (
        writer.submit(arrival()),
        writer.submit(SetVehicle("A", NOW, keep=0)),
        writer.submit(AddKey("k", "app", bytes(32), "", None, NOW)),
    )
    async with running(writer):
        assert (await good.wait()).verdict is Verdict.NEWEST
        with pytest.raises(EvdError, match="cannot be written"):
            await poison.wait()
        assert await key.wait() is True
    assert len(ring_of(database)) == 1
    (summary,) = seen
    assert summary == CommitSummary((arrival(),), keys=(key.operation,)), "memory follows what was written"


async def test_a_lock_met_before_the_statements_is_one_met_at_the_commit(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    writer = new_writer(store)
    store.refusals = [StoreBusy("locked"), StoreFull("full"), None]
    async with running(writer):
        waited_for = writer.submit(Numbered(0))
        await until(lambda: waited_for.done, mock_clock, BUSY_RETRY_S)
        with pytest.raises(Unavailable, match="full"):
            await waited_for.wait()
        assert await writer.write(Numbered(1)) == 1
    assert store.groups == [[1]]


def idle_writer(store: ScriptedStore) -> Writer:
    store.wants_maintenance = False
    return new_writer(store)


async def test_a_lone_operation_is_answered_without_a_turn_of_the_writer_s_task(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    writer = idle_writer(store)
    async with running(writer):
        await wait_all_tasks_blocked()
        receipt = writer.submit(Numbered(1))
        store.committing.join()
        writer.linger()
        assert receipt.done
        assert await writer.write(Numbered(2)) == 2
    assert store.groups == [[1], [2]]
    assert (writer.health.commits, writer.health.committed, writer.waiting) == (2, 2, 0)


async def test_nobody_lingers_while_more_waits_or_for_a_group(store: ScriptedStore, mock_clock: MockClock) -> None:
    writer = idle_writer(store)
    async with running(writer):
        await wait_all_tasks_blocked()
        receipts = [writer.submit(Numbered(i)) for i in range(2)]
        store.committing.join()
        writer.linger()
        assert not receipts[0].done
        assert [await receipt.wait() for receipt in receipts] == [0, 1]


async def test_after_a_slow_commit_nobody_lingers_for_a_while(store: ScriptedStore, mock_clock: MockClock) -> None:
    writer = idle_writer(store)
    async with running(writer):
        await wait_all_tasks_blocked()
        store.gate.clear()
        slow = writer.submit(Numbered(1))
        writer.linger()
        store.gate.set()
        assert await slow.wait() == 1
        for expected in (False, True):
            await wait_all_tasks_blocked()
            receipt = writer.submit(Numbered(2))
            store.committing.join()
            writer.linger()
            assert receipt.done is expected
            await receipt.wait()
            mock_clock.jump(LINGER_AGAIN_S)


async def test_a_commit_that_fails_while_one_lingers_ends_as_any_other(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    store.script = [StoreFull("full")]
    writer = idle_writer(store)
    async with running(writer):
        await wait_all_tasks_blocked()
        receipt = writer.submit(Numbered(1))
        store.committing.join()
        writer.linger()
        with pytest.raises(Unavailable, match="disk is full"):
            await receipt.wait()
        assert writer.health.disk_full
        assert await writer.write(Numbered(2)) == 2
    assert store.groups == [[2]]
