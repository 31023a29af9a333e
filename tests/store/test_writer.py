"""The one writer: groups, receipts, bounds and deadlines; what each failure of the store means to who waits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from builders import NOW, arrival, ring_of
from pytest import RaisesGroup
from scripted_store import ANSWER_S, Numbered, ScriptedStore, new_writer, running, until
from trio.testing import MockClock, wait_all_tasks_blocked

from evd.errors import StoreBroken, StoreBusy, StoreFull, Unavailable
from evd.model.operations import Operation, Several
from evd.model.retention import Verdict
from evd.store.sqlite.database import SqliteDatabase
from evd.store.writer import BUSY_RETRY_S


async def test_what_waits_is_written_in_one_transaction(store: ScriptedStore, mock_clock: MockClock) -> None:
    writer = new_writer(store)
    store.gate.clear()
    async with running(writer):
        first = writer.submit(Numbered(0))
        await store.is_entered()
        others = [writer.submit(Numbered(i)) for i in range(1, 6)]
        store.gate.set()
        assert [await receipt.wait() for receipt in (first, *others)] == list(range(6))
    assert store.groups == [[0], [1, 2, 3, 4, 5]]
    assert (writer.health.commits, writer.health.committed, writer.waiting) == (2, 6, 0)


async def test_a_group_is_bounded_and_keeps_the_order(store: ScriptedStore, mock_clock: MockClock) -> None:
    writer = new_writer(store, batch_rows_max=3)
    receipts = [writer.submit(Numbered(i)) for i in range(8)]
    async with running(writer):
        assert [await receipt.wait() for receipt in receipts] == list(range(8))
    assert store.groups == [[0, 1, 2], [3, 4, 5], [6, 7]]


async def test_a_full_queue_refuses_at_once(store: ScriptedStore, mock_clock: MockClock) -> None:
    writer = new_writer(store, queue_rows_max=2)
    receipts = [writer.submit(Numbered(i)) for i in range(2)]
    with pytest.raises(Unavailable, match="evd receives more than it can write"):
        writer.submit(Numbered(2))
    async with running(writer):
        assert [await receipt.wait() for receipt in receipts] == [0, 1]
        assert await writer.write(Numbered(3)) == 3, "and takes again what it has room for"
    assert store.groups == [[0, 1], [3]], "nothing accepted is dropped, nothing refused is written"


async def test_bytes_are_bounded_too(store: ScriptedStore, mock_clock: MockClock) -> None:
    size = Numbered(0).size_bytes
    writer = new_writer(store, queue_bytes_max=3 * size)
    for i in range(3):
        writer.submit(Numbered(i))
    with pytest.raises(Unavailable):
        writer.submit(Numbered(3))
    async with running(writer):
        await until(lambda: writer.health.committed == 3)
        for i in range(3):
            await writer.write(Numbered(10 + i))


async def test_what_is_larger_than_the_queue_is_taken_while_nothing_waits(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    writer = new_writer(store, queue_rows_max=2)
    large = Several(tuple(Numbered(i) for i in range(5)))
    waiting = writer.submit(Numbered(1))
    with pytest.raises(Unavailable):
        writer.submit(large)
    async with running(writer):
        await waiting.wait()
        receipt = writer.submit(large)
        await receipt.wait()
        assert await writer.write(Numbered(2)) == 2


@pytest.mark.parametrize("big", [arrival(document=b"x" * 5000), arrival(fields=b"x" * 5000)])
def test_an_operation_counts_with_what_it_carries(big: Operation) -> None:
    assert 5000 < big.size_bytes < 6000


async def test_who_waits_too_long_is_refused_and_the_operation_is_written_still(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    writer = new_writer(store)
    store.gate.clear()
    async with running(writer):
        being_written = writer.submit(Numbered(0))
        await store.is_entered()
        in_the_queue = writer.submit(Numbered(1))
        mock_clock.jump(ANSWER_S - 0.5)
        await wait_all_tasks_blocked()
        assert not being_written.done
        mock_clock.jump(0.5)
        for receipt in (being_written, in_the_queue):
            with pytest.raises(Unavailable, match="the database is slow"):
                await receipt.wait()
        store.gate.set()
        await until(lambda: len(store.groups) == 2)
    assert store.groups == [[0], [1]]
    assert trio.current_time() == ANSWER_S


async def test_a_full_disk_is_an_answer_of_503_and_the_writer_goes_on(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    writer = new_writer(store)
    store.script = [StoreFull("the disk of /srv/evd.db is full")]
    store.tidying = [StoreFull("still")] * 2
    async with running(writer):
        with pytest.raises(Unavailable, match=r"^the server's disk is full: send it again later$"):
            await writer.write(Numbered(0))
        assert writer.health.disk_full, "readiness is red"
        assert await writer.write(Numbered(1)) == 1
        assert not writer.health.disk_full
    assert store.groups == [[1]]


async def test_a_foreign_writer_delays_and_changes_no_order(store: ScriptedStore, mock_clock: MockClock) -> None:
    writer = new_writer(store, answer_timeout_s=3600)
    store.script = [StoreBusy("held"), StoreBusy("held")]
    store.gate.clear()
    receipts = [writer.submit(Numbered(i)) for i in range(3)]
    async with running(writer):
        await store.is_entered()
        receipts.append(writer.submit(Numbered(3)))
        store.gate.set()
        await until(lambda: receipts[-1].done, mock_clock, BUSY_RETRY_S)
        assert trio.current_time() >= 2 * BUSY_RETRY_S
        assert [await receipt.wait() for receipt in receipts] == [0, 1, 2, 3]
    assert store.groups == [[0, 1, 2, 3]]


async def test_while_the_lock_is_held_what_nobody_waits_for_is_let_go(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    """Its sender was told to send it again; else a lock held for an hour would fill the queue with the past."""
    writer = new_writer(store)
    store.gate.clear()
    store.script = [StoreBusy("held")]
    async with running(writer):
        receipt = writer.submit(Numbered(0))
        await store.is_entered()
        mock_clock.jump(ANSWER_S)
        with pytest.raises(Unavailable):
            await receipt.wait()
        store.gate.set()
        await until(lambda: not store.script)
        fresh = writer.submit(Numbered(1))
        await until(lambda: fresh.done, mock_clock, BUSY_RETRY_S)
        assert await fresh.wait() == 1
    assert store.groups == [[1]]


async def test_a_broken_store_ends_the_writer_and_everyone_is_informed(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    writer = new_writer(store)
    store.gate.clear()
    store.script = [StoreBroken("fsync failed")]
    with RaisesGroup(StoreBroken, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.run)
            receipts = [writer.submit(Numbered(0))]
            await store.is_entered()
            receipts += [writer.submit(Numbered(i)) for i in range(1, 4)]
            store.gate.set()
            with trio.CancelScope(shield=True):
                for receipt in receipts:
                    with pytest.raises(Unavailable, match="the database failed"):
                        await receipt.wait()
    assert store.groups == []
    with pytest.raises(Unavailable):
        writer.submit(Numbered(9))


async def test_closing_writes_what_was_accepted_and_takes_nothing_more(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    writer = new_writer(store, batch_rows_max=2)
    receipts = [writer.submit(Numbered(i)) for i in range(5)]
    writer.close()
    with pytest.raises(Unavailable, match="stopping"):
        writer.submit(Numbered(5))
    await writer.run()
    assert [receipt.done for receipt in receipts] == [True] * 5
    assert store.groups == [[0, 1], [2, 3], [4]]


async def test_an_idle_writer_that_is_closed_ends(store: ScriptedStore, mock_clock: MockClock) -> None:
    async with running(new_writer(store)):
        await until(lambda: store.tidied > 0)
        await wait_all_tasks_blocked()


async def test_cancelling_the_writer_finishes_the_group_in_hand(store: ScriptedStore, mock_clock: MockClock) -> None:
    writer = new_writer(store)
    store.gate.clear()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        receipt = writer.submit(Numbered(0))
        await store.is_entered()
        nursery.cancel_scope.cancel()
        store.gate.set()
    assert receipt.done
    assert await receipt.wait() == 0
    with pytest.raises(Unavailable):
        writer.submit(Numbered(1))


async def test_many_callbacks_share_few_transactions(open_store: Callable[..., SqliteDatabase], database: Path) -> None:
    writer = new_writer(open_store(capacity=1000), queue_rows_max=1000, queue_bytes_max=1 << 20)
    verdicts: list[Verdict] = []

    async def one_callback(i: int) -> None:
        stored = await writer.write(arrival(time=NOW + i))
        verdicts.append(stored.verdict)

    async with running(writer), trio.open_nursery() as nursery:
        for i in range(300):
            nursery.start_soon(one_callback, i)
    assert len(ring_of(database)) == len(verdicts) == 300
    assert writer.health.commits < 100


async def test_the_queue_is_bounded_in_rows_and_a_large_operation_is_a_group_of_its_own(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    writer = new_writer(store, queue_rows_max=8, batch_rows_max=3)
    large = Several(tuple(Numbered(i) for i in range(6)))
    receipts = [writer.submit(one) for one in (Numbered(1), large, Numbered(2))]
    with pytest.raises(Unavailable):
        writer.submit(Numbered(3))
    async with running(writer):
        for receipt in receipts:
            await receipt.wait()
        assert await writer.write(Numbered(4)) == 4
    assert store.sizes == [1, 1, 1, 1]
