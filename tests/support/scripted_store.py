"""A store that fails as its script says, and a writer at work over it."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import trio
from trio.testing import MockClock

from evd.errors import StoreError
from evd.model.commits import CommitSummary
from evd.model.operations import Operation
from evd.store.writer import Writer

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


async def until(condition: Callable[[], bool], clock: MockClock | None = None, step_s: float = 0) -> None:
    """Wait for what a worker thread brings about, in real time: the mocked clock stands still, or goes on in steps."""
    for _ in range(10_000):
        if condition():
            return
        await trio.to_thread.run_sync(threading.Event().wait, 0.001)
        if clock:
            clock.jump(step_s)
    raise AssertionError("it never came")
