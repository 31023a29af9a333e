"""The writer: it gathers operations into commit groups and completes their receipts after the commit.

`submit` never blocks: it returns a Receipt, or raises at once if the queue is full. A receipt may be abandoned (its
client is gone); the operation is written anyway.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import trio

from evd.concurrency.shielding import ThreadTask
from evd.errors import StoreBusy, StoreFull, Unavailable
from evd.model.operations import Operation
from evd.store.group_commit import GroupCommit
from evd.store.protocols import Store
from evd.store.receipt import Receipt
from evd.store.upkeep import BeginTask, Upkeep
from evd.store.write_queue import WriteQueue
from evd.store.writer_health import WriterHealth

BUSY_RETRY_S = 0.2
"""Pause between attempts while another process holds the database's lock: no attempt itself waits for it."""

MAINTAIN_EVERY_S = 0.5
"""How often an idle writer checks for maintenance (a long WAL, a ring with too many statuses)."""

EXPIRE_EVERY_S = 0.25
"""How often the writer reads the clock and looks for operations that have waited too long."""


class Writer:
    """Groups operations for a store: prepares each group in the loop, which goes on while the store commits it.

    `observers` are called in the trio loop, in order, after each commit and before any receipt is completed.
    """

    def __init__(
        self,
        store: Store,
        *,
        queue_rows_max: int,
        queue_bytes_max: int,
        batch_rows_max: int,
        answer_timeout_s: float,
        timer: Callable[[], float] = time.perf_counter,
        begin_upkeep: BeginTask = ThreadTask,
    ) -> None:
        self.health = WriterHealth(answer_timeout_s / 2)
        self._store = store
        self._queue = WriteQueue(rows_max=queue_rows_max, bytes_max=queue_bytes_max, group_rows_max=batch_rows_max)
        self._groups = GroupCommit(store, self.health, timer)
        self.observers = self._groups.observers
        self._upkeep = Upkeep(store, self.health, begin_upkeep)
        self._resting = False
        """Whether the writer's task waits for work, so that `submit` may begin a group itself."""
        self._wake = trio.Event()
        self._answer_timeout_s = answer_timeout_s
        self._deadline = -inf
        """The deadline of new operations, by trio's clock, read only now and then: each callback pays for it."""
        self._closed = False

    @property
    def waiting(self) -> int:
        return len(self._queue.waiting) + len(self._groups.writing)

    def submit(self, operation: Operation) -> Receipt:
        """Queue an operation. Raises Unavailable if the queue is full or the writer has stopped."""
        if self._closed:
            raise Unavailable("evd is stopping: send it again", retry_after_s=5)
        if self._deadline == -inf:
            self._deadline = trio.current_time() + self._answer_timeout_s
        receipt = Receipt(operation, operation.size_bytes, self._deadline)
        self._queue.add(receipt)
        if self._resting:
            self._groups.begin(self._queue.next_group())  # a lone operation does not wait for the writer's task
            self._resting = False
            self._wake.set()
        return receipt

    def linger(self) -> None:
        """Answer a lone operation within this turn if its commit ends soon; called at the end of a turn.

        Operations that come meanwhile are the next group.
        """
        if self._groups.begun is not None and not self._queue.waiting:
            self._groups.linger()

    async def write(self, operation: Operation) -> Any:
        """Submit an operation and wait for its result."""
        return await self.submit(operation).wait()

    def close(self) -> None:
        """Accept no more operations; `run` ends when all accepted ones are written."""
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        """Write until closed. Raises StoreError if the store is broken: the process must end."""
        groups = self._groups
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._expire)
            try:
                while await self._something_to_do():
                    if groups.preparing is not None:
                        groups.go_on()
                    elif groups.begun is None and self._queue.waiting:
                        groups.begin(self._queue.next_group())
                    if groups.preparing is not None:  # its transaction is open, so nothing else may be done
                        await trio.lowlevel.checkpoint()
                        continue
                    if groups.begun is not None:
                        await self._complete()
                    self._upkeep.begin_checkpoint(nursery)
                    if self._store.wants_maintenance:
                        groups.answer()
                        await self._upkeep.maintain()
            except BaseException:
                self._closed = True
                if groups.preparing is not None:
                    groups.preparing.steps.close()
                groups.answer()
                settle_all([*groups.writing, *self._queue.waiting], Unavailable("the database failed: send it again"))
                self._queue.clear()
                raise
            nursery.cancel_scope.cancel()

    async def _something_to_do(self) -> bool:
        """Wait for work; False when closed and empty. Does maintenance while idle."""
        await trio.lowlevel.checkpoint_if_cancelled()  # an error in another task of the writer ends this one
        groups, waiting = self._groups, self._queue.waiting
        more = self._store.wants_maintenance
        while not waiting and groups.begun is None and groups.preparing is None:
            if self._closed:
                return False
            self._wake = trio.Event()
            self._resting = not more
            with trio.move_on_after(0 if more else MAINTAIN_EVERY_S) as idle:
                await self._wake.wait()
            self._resting = False
            if not idle.cancelled_caught:
                return True  # also after `linger`: the commit may require a checkpoint
            if groups.begun is None and groups.preparing is None:
                groups.answer()
                more = await self._upkeep.maintain(idle=True)
        return True

    async def _complete(self) -> None:
        """Wait until the group that was begun is committed, or handle the error that it met."""
        groups = self._groups
        group, groups.begun = groups.begun, None
        assert group is not None
        try:
            await groups.finish(group)
        except StoreFull as error:
            self.health.found_full(error)
            settle_all(group.receipts, Unavailable("the server's disk is full: send it again later"))
        except StoreBusy as error:
            await self._again(group.receipts, error)
        except BaseException:
            settle_all(group.receipts, Unavailable("the database failed: send it again"))
            raise
        else:
            groups.committed(group)
            if not self._queue.waiting:
                groups.answer()
        finally:
            groups.writing = ()

    async def _again(self, receipts: Sequence[Receipt], error: StoreBusy) -> None:
        """Put the operations that are still waited for back at the head of the queue; the others were answered 503."""
        self.health.found_busy(error)
        self._queue.put_back([receipt for receipt in receipts if not receipt.done])
        await trio.sleep(BUSY_RETRY_S)

    async def _expire(self) -> None:
        """Answer 503 to operations that have waited too long; whether the store still writes them changes nothing."""
        late = Unavailable("the database is slow: send it again")
        while True:
            await trio.sleep(min(EXPIRE_EVERY_S, self._answer_timeout_s / 4))
            now = trio.current_time()
            self._deadline = now + self._answer_timeout_s
            settle_all([one for one in (*self._groups.writing, *self._queue.waiting) if one.deadline <= now], late)
            self.health.look(now, self.waiting)


def settle_all(receipts: Sequence[Receipt], error: Unavailable) -> None:
    for receipt in receipts:
        receipt.settle(error)
