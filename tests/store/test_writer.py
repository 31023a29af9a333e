"""The one writer: groups, receipts, bounds and deadlines; what each failure of the store means to who waits."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trio
from builders import NOW, arrival, ring_of
from pytest import RaisesGroup
from trio.testing import MockClock, wait_all_tasks_blocked

from evd.errors import EvdError, StoreBroken, StoreBusy, StoreError, StoreFull, Unavailable
from evd.model.commits import CommitSummary
from evd.model.operations import AddKey, LimitReached, Operation, SetVehicle, Several
from evd.model.retention import Verdict
from evd.store.group_commit import LINGER_AGAIN_S, SLICE_S
from evd.store.sqlite.database import SqliteDatabase
from evd.store.writer import BUSY_RETRY_S, MAINTAIN_EVERY_S, Writer

ANSWER_S = 8.0


class Numbered(Operation, frozen=True):
    """An operation of this test; its result is its number."""

    number: int


class Watching(NamedTuple):
    """An observer."""

    committed: Callable[[CommitSummary], None]


class ScriptedStore:
    """A store that writes nothing: it can be held up, and fails as `script` says, an entry an attempt."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.sizes: list[int] = []
        self.script: list[StoreError | None] = []
        self.refusals: list[StoreError | None] = []
        self.prepared: list[int] = []
        self.tidying: list[bool | StoreError] = []
        self.tidied = 0
        self.results: dict[int, Any] = {}
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self.wants_maintenance = True
        self.wants_checkpoint = False
        self.relief = threading.Event()
        self.relieving: StoreError | None = None
        self.commit_fd = os.eventfd(0, os.EFD_NONBLOCK)
        self.pauses = 0
        self.open = False
        """A group's transaction, between two of its slices."""
        self.undone = 0

    def prepare(self, operations: Sequence[Operation]) -> Generator[None, None, list[Any]]:
        failure = self.refusals.pop(0) if self.refusals else None
        if failure:
            raise failure
        try:
            for _ in range(self.pauses):
                self.open = True
                yield
        except GeneratorExit:
            self.undone += 1
            raise
        self.open = False
        self.sizes.append(len(operations))
        self.prepared = [operation.number if isinstance(operation, Numbered) else -1 for operation in operations]
        return [self.results.get(number, number) for number in self.prepared]

    def start_commit(self) -> None:
        self.entered.release()
        self.committing = threading.Thread(target=self._commit)
        self.committing.start()

    def _commit(self) -> None:
        assert self.gate.wait(10), "the test forgot to open the gate"
        os.eventfd_write(self.commit_fd, 1)

    def finish_commit(self) -> None:
        assert os.eventfd_read(self.commit_fd) == 1, "nobody finishes what has not ended"
        self.committing.join()
        failure = self.script.pop(0) if self.script else None
        if failure:
            raise failure
        self.groups.append(self.prepared)

    def commit(self) -> None:
        raise AssertionError("the loop waits for no commit")

    def write(self, operations: Sequence[Operation]) -> list[Any]:
        raise AssertionError("the loop waits for no commit")

    def maintain(self, *, idle: bool = False) -> bool:
        assert not self.open, "two transactions at once"
        self.tidied += 1
        turn = self.tidying.pop(0) if self.tidying else False
        if isinstance(turn, StoreError):
            raise turn
        return turn

    def checkpoint(self) -> None:
        self.wants_checkpoint = False
        assert self.relief.wait(10), "the test forgot to let the relief end"
        if self.relieving:
            raise self.relieving

    def close(self) -> None:
        os.close(self.commit_fd)

    async def is_entered(self) -> None:
        """Until an attempt to write has begun."""
        assert await trio.to_thread.run_sync(self.entered.acquire, True, 10)


def new_writer(store: Any, **options: Any) -> Writer:
    bounds: dict[str, Any] = {
        "queue_rows_max": 100,
        "queue_bytes_max": 100_000,
        "batch_rows_max": 50,
        "answer_timeout_s": ANSWER_S,
    }
    return Writer(store, **bounds | options)


@asynccontextmanager
async def running(writer: Writer) -> AsyncIterator[None]:
    """The writer at work; closed and drained at the end."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        try:
            yield
        finally:
            writer.close()


@pytest.fixture
def store() -> Iterator[ScriptedStore]:
    scripted = ScriptedStore()
    yield scripted
    scripted.close()


async def until(condition: Callable[[], bool], clock: MockClock | None = None, step_s: float = 0) -> None:
    """Wait for what a worker thread brings about, in real time: the mocked clock stands still, or goes on in steps."""
    for _ in range(10_000):
        if condition():
            return
        await trio.to_thread.run_sync(threading.Event().wait, 0.001)
        if clock:
            clock.jump(step_s)
    raise AssertionError("it never came")


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


async def test_nothing_is_tidied_between_the_slices_of_a_group(store: ScriptedStore, mock_clock: MockClock) -> None:
    seconds = count(0, SLICE_S)
    writer = new_writer(store, timer=lambda: next(seconds))
    store.pauses = 6
    waiting = [writer.submit(Numbered(0)), writer.submit(Numbered(1))]
    async with running(writer):
        assert [await receipt.wait() for receipt in waiting] == [0, 1]
        waiting = [writer.submit(Numbered(number)) for number in range(2)]
        assert [await receipt.wait() for receipt in waiting] == [0, 1]
    assert store.tidied


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


async def test_an_abandoned_operation_is_written_all_the_same(store: ScriptedStore, mock_clock: MockClock) -> None:
    writer = new_writer(store)
    store.gate.clear()
    async with running(writer):
        writer.submit(Numbered(0))
        await store.is_entered()
        async with trio.open_nursery() as client:
            client.start_soon(writer.write, Numbered(1))
            await wait_all_tasks_blocked()
            client.cancel_scope.cancel()
        store.gate.set()
        assert await writer.write(Numbered(2)) == 2
    assert store.groups == [[0], [1, 2]]


async def test_a_result_may_be_fetched_late(store: ScriptedStore, mock_clock: MockClock) -> None:
    writer = new_writer(store)
    async with running(writer):
        receipt = writer.submit(Numbered(3))
        await until(lambda: receipt.done)
        assert await receipt.wait() == 3


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


async def test_an_idle_writer_finds_out_that_there_is_space_again(store: ScriptedStore, mock_clock: MockClock) -> None:
    """Readiness may keep the callbacks away that would have shown it."""
    writer = new_writer(store)
    store.script = [StoreFull("full")]
    store.tidying = [StoreFull("still"), StoreFull("still"), False]
    async with running(writer):
        with pytest.raises(Unavailable):
            await writer.write(Numbered(0))
        assert writer.health.disk_full
        await until(lambda: not writer.health.disk_full, mock_clock, MAINTAIN_EVERY_S)
    assert store.tidied >= 3


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


async def test_a_store_that_breaks_beside_the_commits_ends_the_writer_though_more_is_to_do(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    writer = new_writer(store)
    store.wants_maintenance, store.wants_checkpoint, store.relieving = False, True, StoreBroken("fdatasync failed")
    with pytest.raises(ExceptionGroup) as caught:
        async with trio.open_nursery() as nursery:

            async def load() -> None:
                while True:
                    if writer.waiting < 50:
                        writer.submit(Numbered(0))
                    await trio.lowlevel.checkpoint()

            nursery.start_soon(writer.run)
            nursery.start_soon(load)
            await until(lambda: writer.health.commits > 3)
            store.relief.set()
    assert caught.group_contains(StoreBroken, match="fdatasync failed")


async def test_an_idle_writer_takes_the_next_operation_though_a_relief_goes_on(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    writer = new_writer(store)
    store.wants_maintenance, store.wants_checkpoint = False, True
    async with running(writer):
        await writer.write(Numbered(0))
        mock_clock.jump(2 * MAINTAIN_EVERY_S)
        await wait_all_tasks_blocked()
        with trio.fail_after(5):
            assert await writer.write(Numbered(1)) == 1
        assert not store.tidied
        store.relief.set()


async def test_a_store_that_breaks_while_tidying_ends_the_writer_too(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    store.tidying = [StoreBroken("checkpoint failed")]
    with RaisesGroup(StoreBroken):
        await new_writer(store).run()


async def test_an_error_of_one_operation_is_its_own(store: ScriptedStore, mock_clock: MockClock) -> None:
    store.results[1] = LimitReached("full")
    writer = new_writer(store)
    receipts = [writer.submit(Numbered(i)) for i in range(3)]
    async with running(writer):
        assert await receipts[0].wait() == 0
        with pytest.raises(LimitReached):
            await receipts[1].wait()
        assert await receipts[2].wait() == 2


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


async def test_an_idle_writer_tidies_now_and_then_and_at_once_while_there_is_more(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    store.tidying = [True, True, False]
    async with running(new_writer(store)):
        await until(lambda: store.tidied == 3)
        assert trio.current_time() == 0
        await until(lambda: store.tidied >= 4, mock_clock, MAINTAIN_EVERY_S)


@pytest.mark.parametrize("error", [StoreBusy("held"), StoreFull("full")])
async def test_tidying_can_wait(store: ScriptedStore, mock_clock: MockClock, error: StoreError) -> None:
    store.tidying = [error]
    async with running(new_writer(store)) as _:
        await until(lambda: store.tidied == 1)


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


# With the real store


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
