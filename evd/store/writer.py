"""The one writer: what waits is written in one transaction, and whoever waits for it is woken after the commit.

`submit` never blocks: it gives a Receipt, or refuses at once when the queue is full. A receipt may be abandoned (the
client went away); its operation is written all the same.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Sequence
from functools import partial
from math import inf
from typing import Any, NamedTuple

import trio

from evd.concurrency.shielding import ThreadTask, shielded
from evd.errors import StoreBusy, StoreFull, StoreHangs, Unavailable
from evd.log.logger import log
from evd.model.commits import CommitObserver, summarize
from evd.model.operations import Operation
from evd.store.protocols import Store
from evd.store.receipt import Receipt
from evd.store.stall import Stall

BUSY_RETRY_S = 0.2
"""Between attempts while another process holds the database's lock: no attempt waits itself."""

TIDY_EVERY_S = 0.5
"""How often an idle writer looks for what may wait (a long log, an over-full ring)."""

EXPIRE_EVERY_S = 0.25
"""How often the writer reads the clock, and looks for who has waited for too long."""

LINGER_MS = 2
"""How long the loop may sleep for the commit of a lone operation. Most of it is the disk's, and whoever wakes for it
answers a quarter sooner than a task that trio must find first; nothing else can be delayed by more."""

LINGER_AGAIN_S = 0.05
"""After a commit that took longer: on such a disk waiting in the loop saves nothing, and may cost others 4 % of it."""

SLICE_S = 0.005
"""Of a group's preparation without a pause: a batch of late lines takes a second, and others are served meanwhile."""


class _Preparing(NamedTuple):
    """A group that is looked up and gathered, slice by slice."""

    batch: list[Receipt]
    operations: list[Operation]
    steps: Generator[None, None, list[Any]]


class Writer:
    """Groups operations for a store: prepares each group in the loop, which goes on while the store commits it.

    `observers` are called in the trio loop, in their order, after each commit and before anyone is woken.
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
    ) -> None:
        self._store = store
        self._queue_rows_max = queue_rows_max
        self._queue_bytes_max = queue_bytes_max
        self._batch_rows_max = batch_rows_max
        self._answer_timeout_s = answer_timeout_s
        self.observers: list[CommitObserver] = []
        self._timer = timer
        self._queue: deque[Receipt] = deque()
        self._writing: Sequence[Receipt] = ()
        self._begun: tuple[list[Receipt], list[Operation], list[Any] | Exception] | None = None
        self._preparing: _Preparing | None = None
        self._unanswered: tuple[list[Receipt], list[Operation], list[Any]] | None = None
        self._resting = False
        """The writer's task waits for something to do, so that `submit` may begin a group itself."""
        self._linger_from = -inf
        self._latest = 1  # operations in the group that was committed last
        self._rows = 0  # of what waits in the queue, and the bytes
        self._bytes = 0
        self._wake = trio.Event()
        self._time = -inf  # seconds of trio's clock, read once in a while: each callback would pay for it
        self._closed = False
        self._stall = Stall(answer_timeout_s / 2)
        self._refused = ""  # why the last attempt failed, while another process holds the database
        self._relieved = trio.Event()
        self._relieved.set()
        self.disk_full = False
        """The last attempt found no space; readiness is red meanwhile."""
        self.hangs = False
        """The store was left in the middle of something, and cannot be closed."""
        self.committed = 0
        self.turns = 0
        """Groups tried, whatever became of them: while callbacks wait, it must rise."""
        self.commits = 0

    @property
    def waiting(self) -> int:
        return len(self._queue) + len(self._writing)

    @property
    def stalled(self) -> Stall:
        """Why nothing is taken, if something waits for too long; readiness is red meanwhile."""
        return self._stall

    def submit(self, operation: Operation) -> Receipt:
        """Queue an operation. Raises Unavailable where the queue is full or the writer has stopped.

        One that is larger than the queue by itself is taken while nothing waits, or it would be refused for ever.
        """
        size = operation.size_bytes
        if self._closed:
            raise Unavailable("evd is stopping: send it again", retry_after_s=5)
        rows = self._rows + operation.rows
        if self._queue and (rows > self._queue_rows_max or self._bytes + size > self._queue_bytes_max):
            raise Unavailable("evd receives more than it can write: send it again later")
        if self._time == -inf:
            self._time = trio.current_time()
        receipt = Receipt(operation, size, self._time + self._answer_timeout_s)
        self._queue.append(receipt)
        self._rows = rows
        self._bytes += size
        if self._resting:
            self._begin()  # at once: whoever comes alone waits for no turn of the writer's task
            self._resting = False
            self._wake.set()
        return receipt

    def linger(self) -> None:
        """Wait a moment for a lone operation that is being committed, and answer it; called when a turn's work is done.

        Whatever else comes meanwhile is the next group. Does nothing under load, where groups answer each other: the
        group before this one was a lone operation, too.
        """
        if self._begun is None or self._queue or trio.current_time() < self._linger_from:
            return
        batch, operations, results = self._begun
        if len(batch) > 1 or self._latest > 1 or isinstance(results, Exception):
            return
        commit = select.poll()
        commit.register(self._store.commit_fd, select.POLLIN)
        if not commit.poll(LINGER_MS):
            self._linger_from = trio.current_time() + LINGER_AGAIN_S
            return
        try:
            self._store.finish_commit()
        except Exception as error:
            self._begun = batch, operations, error  # the writer's task deals with it
        else:
            self._begun = None
            self._committed(batch, operations, results)
            self._answer()

    async def write(self, operation: Operation) -> Any:
        """Submit and wait."""
        return await self.submit(operation).wait()

    def close(self) -> None:
        """Take nothing more; `run` ends once what was accepted is written."""
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        """Write until closed. Raises StoreError where the store is broken: the process must end."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._expire)
            try:
                while await self._something_to_do():
                    if self._preparing is not None:
                        self._go_on()
                    elif self._begun is None and self._queue:
                        self._begin()
                    if self._preparing is not None:  # its transaction is open: nothing else may be done meanwhile
                        await trio.lowlevel.checkpoint()
                        continue
                    if self._begun is not None:
                        await self._complete()
                    if self._store.wants_checkpoint and self._relieved.is_set():
                        self._relieved = trio.Event()
                        nursery.start_soon(self._checkpoint)
                    if self._store.wants_maintenance:
                        await self._maintain()
            except BaseException:
                self._closed = True
                if self._preparing is not None:
                    self._preparing.steps.close()
                self._answer()
                self._fail_all(Unavailable("the database failed: send it again"))
                raise
            nursery.cancel_scope.cancel()

    async def _something_to_do(self) -> bool:
        """False once closed and empty. Tidies while idle."""
        await trio.lowlevel.checkpoint_if_cancelled()  # what ends another task of the writer ends this one
        more = self._store.wants_maintenance
        while not self._queue and self._begun is None and self._preparing is None:
            if self._closed:
                return False
            self._wake = trio.Event()
            self._resting = not more
            with trio.move_on_after(0 if more else TIDY_EVERY_S) as idle:
                await self._wake.wait()
            self._resting = False
            if not idle.cancelled_caught:
                return True  # also after `linger`: what was written may call for relief
            if self._begun is None and self._preparing is None:
                more = await self._maintain(idle=True)
        return True

    def _begin(self) -> None:
        """Prepare a group of what waits, or its first slice, and have the store commit it."""
        batch = self._next_group()
        operations = [receipt.operation for receipt in batch]
        self._writing = batch
        self.turns += 1
        self._preparing = _Preparing(batch, operations, self._store.prepare(operations))
        self._go_on()
        self._answer()  # the group before this one: work for the loop while the store has its own

    def _go_on(self) -> None:
        """One slice of the group that is being prepared; with the last one its commit is started."""
        assert self._preparing is not None
        batch, operations, steps = self._preparing
        results: list[Any] | Exception
        end = self._timer() + SLICE_S
        try:
            # What must be looked up is looked up here: handing the GIL to and fro for each look would cost more than it
            # does. Writing, and waiting for the disk, is the store's own affair until its descriptor is readable.
            while True:
                next(steps)
                if self._timer() >= end:
                    return
        except StopIteration as prepared:
            results = prepared.value
        except Exception as error:
            results = error
        if not isinstance(results, Exception):
            try:
                self._store.start_commit()
            except Exception as error:
                results = error
        self._preparing = None
        self._begun = batch, operations, results

    def _next_group(self) -> list[Receipt]:
        """Out of the queue: `batch_rows_max` rows, or one operation that has more by itself."""
        queue, rows, size = self._queue, 0, 0
        batch: list[Receipt] = []
        while queue:
            receipt = queue[0]
            rows += receipt.operation.rows
            if rows > self._batch_rows_max and batch:
                rows -= receipt.operation.rows
                break
            size += receipt.size_bytes
            batch.append(queue.popleft())
        self._rows -= rows
        self._bytes -= size
        return batch

    async def _complete(self) -> None:
        """Wait until the group that was begun is committed, or deal with what came in between."""
        assert self._begun is not None
        (batch, operations, results), self._begun = self._begun, None
        try:
            if isinstance(results, Exception):
                raise results
            await self._until(partial(trio.lowlevel.wait_readable, self._store.commit_fd))
            self._store.finish_commit()
        except StoreFull as error:
            self._disk_is_full(error)
            self._settle_all(batch, Unavailable("the server's disk is full: send it again later"))
        except StoreBusy as error:
            await self._again(batch, error)
        except BaseException:
            self._settle_all(batch, Unavailable("the database failed: send it again"))
            raise
        else:
            self._committed(batch, operations, results)
            if not self._queue:
                self._answer()
        finally:
            self._writing = ()

    async def _until(self, wait: Callable[[], Awaitable[None]]) -> None:
        """Until the store is where it can be left. Raises StoreHangs."""
        if not await shielded(wait):
            self.hangs = True
            raise StoreHangs("the database's disk does not answer: look at it and at the system's log")

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        errand = ThreadTask(work)
        await self._until(errand.ended)
        return errand.result()

    def _committed(self, batch: list[Receipt], operations: list[Operation], results: list[Any]) -> None:
        self.disk_full = False
        self._refused = ""
        self.commits += 1
        self.committed += len(batch)
        self._latest = len(batch)
        self._writing = ()
        self._unanswered = batch, operations, results

    def _answer(self) -> None:
        """Tell whoever waits for the group that was committed last."""
        if self._unanswered is None:
            return
        (batch, operations, results), self._unanswered = self._unanswered, None
        try:
            if self.observers:
                summary = summarize(operations, results)
                for observer in self.observers:
                    observer.committed(summary)
        finally:
            for receipt, result in zip(batch, results, strict=True):
                receipt.settle(result)

    async def _again(self, batch: list[Receipt], error: StoreBusy) -> None:
        """Back to the head of the queue what is still waited for; whoever is not was told to send it again."""
        self._refused = str(error)
        waiting = [receipt for receipt in batch if not receipt.done]
        self._queue.extendleft(reversed(waiting))
        self._rows += sum([receipt.operation.rows for receipt in waiting])
        self._bytes += sum([receipt.size_bytes for receipt in waiting])
        await trio.sleep(BUSY_RETRY_S)

    async def _checkpoint(self) -> None:
        """What the store can do beside commits."""
        try:
            await self._in_thread(self._store.checkpoint)
        except StoreFull as error:
            self._disk_is_full(error)
        except StoreBusy:
            pass  # tried again after the next commit
        finally:
            self._relieved.set()

    async def _maintain(self, *, idle: bool = False) -> bool:
        self._answer()
        if idle and not self._relieved.is_set():
            return False  # nobody should wait for what is done beside commits
        await self._relieved.wait()
        try:
            more: bool = await self._in_thread(partial(self._store.maintain, idle=idle))
        except StoreFull as error:
            self._disk_is_full(error)
        except StoreBusy as error:
            self._refused = str(error)  # tried again at the next turn
        else:
            self.disk_full = False
            self._refused = ""
            return more
        return False

    def _disk_is_full(self, error: StoreFull) -> None:
        if not self.disk_full:
            log.error("the disk is full", reason=str(error))
        self.disk_full = True

    async def _expire(self) -> None:
        """Answer 503 to whoever waited for too long; what the store does with his operation later changes nothing.

        Where nothing comes of what waits, say so, and when that is over.
        """
        late = Unavailable("the database is slow: send it again")
        while True:
            await trio.sleep(min(EXPIRE_EVERY_S, self._answer_timeout_s / 4))
            self._time = trio.current_time()
            for receipt in (*self._writing, *self._queue):
                if receipt.deadline <= self._time:
                    receipt.settle(late)
            stall, waiting = self._stall, bool(self.waiting)
            if stall.look(self._time, waiting=waiting, commits=self.commits, refused=self._refused):
                if stall.reason:
                    log.error("nothing is written", reason=stall.detail, waiting=self.waiting)
                else:
                    log.info("writing goes on")

    def _fail_all(self, error: Unavailable) -> None:
        self._settle_all([*self._writing, *self._queue], error)
        self._queue.clear()
        self._rows = self._bytes = 0

    @staticmethod
    def _settle_all(batch: Sequence[Receipt], error: Unavailable) -> None:
        for receipt in batch:
            receipt.settle(error)
