"""Group commit: one group is prepared in the loop while the store commits the one before it.

A group is prepared (its transaction is open), begun (the store commits it, or it has failed), committed, and finally
answered, when the next group has begun.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Generator, Sequence
from math import inf
from typing import Any, NamedTuple

import trio

from evd.model.commits import CommitObserver, summarize
from evd.model.operations import Operation
from evd.store.protocols import Store
from evd.store.receipt import Receipt
from evd.store.writer_health import WriterHealth

LINGER_MS = 2
"""How long the loop may sleep for the commit of a lone operation. Most of that is the disk's time, and to wait in the
loop answers a quarter sooner than to wake a task; nothing else is delayed by more than this."""

LINGER_AGAIN_S = 0.05
"""Pause after a commit that took longer: on such a disk a wait in the loop gains nothing and costs others up to 4 %."""

SLICE_S = 0.005
"""Time of a group's preparation without a pause: a batch of late lines takes a second, and others must have turns."""


class _Preparing(NamedTuple):
    """A group that is being prepared, slice by slice."""

    receipts: list[Receipt]
    operations: list[Operation]
    steps: Generator[None, None, list[Any]]


class Group(NamedTuple):
    """`results` has one result for each operation, or is the exception because of which none was written."""

    receipts: list[Receipt]
    operations: list[Operation]
    results: list[Any] | Exception


class GroupCommit:
    """The groups of one store. `observers` are called after each commit, in order, before any receipt is completed."""

    def __init__(self, store: Store, health: WriterHealth, timer: Callable[[], float]) -> None:
        self.observers: list[CommitObserver] = []
        self.preparing: _Preparing | None = None
        """While it is set, its transaction is open, so nothing else may be done with the store."""
        self.begun: Group | None = None
        self.writing: Sequence[Receipt] = ()
        """The receipts of the group that is being prepared or committed."""
        self._store = store
        self._health = health
        self._timer = timer
        self._committed: Group | None = None
        """The last committed group, if its receipts are not completed yet."""
        self._started_at = 0.0
        """When the commit of the group was started, by `timer`."""
        self._latest = 1  # operations in the group that was committed last
        self._linger_from = -inf

    def begin(self, receipts: list[Receipt]) -> None:
        """Prepare a group, or its first slice, and have the store commit it."""
        operations = [receipt.operation for receipt in receipts]
        self.writing = receipts
        self._health.turns += 1
        self.preparing = _Preparing(receipts, operations, self._store.prepare(operations))
        self.go_on()
        self.answer()  # answers the group before, while the store commits this one

    def go_on(self) -> None:
        """Prepare the next slice of the group; after the last one its commit is started."""
        assert self.preparing is not None
        receipts, operations, steps = self.preparing
        results: list[Any] | Exception
        end = self._timer() + SLICE_S
        try:
            # Look-ups run in the loop: passing the GIL back and forth for each would cost more than the look-up.
            # Writing, and waiting for the disk, is left to the store until its descriptor is readable.
            while True:
                next(steps)
                if self._timer() >= end:
                    return
        except StopIteration as prepared:
            results = prepared.value
        except Exception as error:
            results = error
        if not isinstance(results, Exception):
            self._started_at = self._timer()
            try:
                self._store.start_commit()
            except Exception as error:
                results = error
        self.preparing = None
        self.begun = Group(receipts, operations, results)

    def linger(self) -> None:
        """Wait a moment for a lone operation that is being committed, and answer it.

        Does nothing under load, when groups answer each other: only if the group before was a lone operation, too.
        """
        group = self.begun
        if group is None or trio.current_time() < self._linger_from:
            return
        if len(group.receipts) > 1 or self._latest > 1 or isinstance(group.results, Exception):
            return
        commit = select.poll()
        commit.register(self._store.commit_fd, select.POLLIN)
        if not commit.poll(LINGER_MS):
            self._linger_from = trio.current_time() + LINGER_AGAIN_S
            return
        try:
            self._store.finish_commit()
        except Exception as error:
            self.begun = group._replace(results=error)  # the writer's task handles it
        else:
            self.begun = None
            self.committed(group)
            self.answer()

    async def finish(self, group: Group) -> None:
        """Wait until a group that was begun is on disk. Raises the error if it was not written."""
        if isinstance(group.results, Exception):
            raise group.results
        await self._health.left_in_peace(self._commit_ended)
        self._store.finish_commit()

    def committed(self, group: Group) -> None:
        self._health.went_well()
        self._health.commits += 1
        self._health.commit_times.note(self._timer() - self._started_at)
        self._health.committed += len(group.receipts)
        self._latest = len(group.receipts)
        self.writing = ()
        self._committed = group

    def answer(self) -> None:
        """Complete the receipts of the last committed group."""
        group, self._committed = self._committed, None
        if group is None:
            return
        assert not isinstance(group.results, Exception)
        try:
            if self.observers:
                summary = summarize(group.operations, group.results)
                for observer in self.observers:
                    observer.committed(summary)
        finally:
            for receipt, result in zip(group.receipts, group.results, strict=True):
                receipt.settle(result)

    async def _commit_ended(self) -> None:
        await trio.lowlevel.wait_readable(self._store.commit_fd)
