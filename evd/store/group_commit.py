"""Group commit: one group is prepared in the loop while the store commits the one before it.

A group is prepared (its transaction is open), begun (the store commits it, or it has failed), committed, and answered
last of all, when the next group is on its way.
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
"""How long the loop may sleep for the commit of a lone operation. Most of it is the disk's, and whoever wakes for it
answers a quarter sooner than a task that trio must find first; nothing else can be delayed by more."""

LINGER_AGAIN_S = 0.05
"""After a commit that took longer: on such a disk waiting in the loop saves nothing, and may cost others 4 % of it."""

SLICE_S = 0.005
"""Of a group's preparation without a pause: a batch of late lines takes a second, and others are served meanwhile."""


class _Preparing(NamedTuple):
    """A group that is looked up and gathered, slice by slice."""

    receipts: list[Receipt]
    operations: list[Operation]
    steps: Generator[None, None, list[Any]]


class Group(NamedTuple):
    """`results` has one for each operation; an exception: none was written."""

    receipts: list[Receipt]
    operations: list[Operation]
    results: list[Any] | Exception


class GroupCommit:
    """The groups of one store. `observers` hear of each commit, in their order, before anyone is answered."""

    def __init__(self, store: Store, health: WriterHealth, timer: Callable[[], float]) -> None:
        self.observers: list[CommitObserver] = []
        self.preparing: _Preparing | None = None
        """Its transaction is open: nothing else may be done with the store meanwhile."""
        self.begun: Group | None = None
        self.writing: Sequence[Receipt] = ()
        """Of the group that is being prepared or committed."""
        self._store = store
        self._health = health
        self._timer = timer
        self._committed: Group | None = None
        """Nobody has been answered yet."""
        self._latest = 1  # operations in the group that was committed last
        self._linger_from = -inf

    def begin(self, receipts: list[Receipt]) -> None:
        """Prepare a group, or its first slice, and have the store commit it."""
        operations = [receipt.operation for receipt in receipts]
        self.writing = receipts
        self._health.turns += 1
        self.preparing = _Preparing(receipts, operations, self._store.prepare(operations))
        self.go_on()
        self.answer()  # the group before this one: work for the loop while the store has its own

    def go_on(self) -> None:
        """One slice of the group that is being prepared; with the last one its commit is started."""
        assert self.preparing is not None
        receipts, operations, steps = self.preparing
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
        self.preparing = None
        self.begun = Group(receipts, operations, results)

    def linger(self) -> None:
        """Wait a moment for a lone operation that is being committed, and answer it.

        Does nothing under load, where groups answer each other: the group before this one was a lone operation, too.
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
            self.begun = group._replace(results=error)  # the writer's task deals with it
        else:
            self.begun = None
            self.committed(group)
            self.answer()

    async def finish(self, group: Group) -> None:
        """Wait until a group that was begun is on disk. Raises what became of it instead."""
        if isinstance(group.results, Exception):
            raise group.results
        await self._health.left_in_peace(self._commit_ended)
        self._store.finish_commit()

    def committed(self, group: Group) -> None:
        self._health.went_well()
        self._health.commits += 1
        self._health.committed += len(group.receipts)
        self._latest = len(group.receipts)
        self.writing = ()
        self._committed = group

    def answer(self) -> None:
        """Those who wait for the group that was committed last."""
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
