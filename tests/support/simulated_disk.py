"""A disk in virtual time: the real engine on a file, whose commits are slow, hang, fail, or end unknown.

What is full or held is so for real (SQLite's page limit, another connection's lock), so the engine itself finds it and
recovers. Only how long a commit takes, and a disk that fails, are played.
"""

from __future__ import annotations

import os
import random
import select
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import trio
from engine_faults import FAULTS

from evd.errors import StoreBroken
from evd.model.operations import Operation
from evd.store.sqlite.database import SqliteDatabase

COMMIT_S = 10.0
"""Real time: the engine's own thread commits to a file in memory."""


class Fate(NamedTuple):
    """Of one commit: how long it takes (virtual s), whether it is written, and whether the disk then fails."""

    seconds: float = 0.0
    written: bool = True
    broken: bool = False


class Odds(NamedTuple):
    """How often, of all commits; the rest take a few milliseconds or none. `hang` is longer than evd's limit of 8 s."""

    slow: float = 0.0
    hang: float = 0.0
    broken: float = 0.0


def drawn(chance: random.Random, odds: Odds) -> Fate:
    kind = chance.random()
    if kind < odds.broken:
        return Fate(chance.uniform(0, 0.05), written=chance.random() < 0.5, broken=True)
    if kind < odds.broken + odds.hang:
        return Fate(chance.uniform(8.5, 20.0))
    if kind < odds.broken + odds.hang + odds.slow:
        return Fate(chance.uniform(0.05, 3.0))
    return Fate(chance.choice((0.0, chance.uniform(0.0005, 0.01))))


class SimulatedDisk:
    """Implements `evd.store.protocols.Store` over `database`; what else is asked of it, `database` answers.

    `next_fate` gives each commit its fate; `nursery` has the tasks of commits that take time.
    """

    def __init__(
        self, database: SqliteDatabase, path: Path, nursery: trio.Nursery, next_fate: Callable[[], Fate]
    ) -> None:
        self._database = database
        self._path = path
        self._nursery = nursery
        self._next_fate = next_fate
        self._fate = Fate()
        self._faults = ExitStack()
        self.commit_fd = os.eventfd(0, os.EFD_NONBLOCK)
        self.under_way = False
        """Whether a commit was started and has not ended."""
        self.dead = False
        """Whether the process was killed: nothing reaches the file any more."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def prepare(self, operations: Sequence[Operation]) -> Generator[None, None, list[Any]]:
        return self._database.prepare(operations)

    def start_commit(self) -> None:
        self._fate = self._next_fate()
        self.under_way = True
        if self._fate.seconds:
            self._nursery.start_soon(self._end_later, self._fate.seconds)
        else:
            self._end()

    def finish_commit(self) -> None:
        assert os.eventfd_read(self.commit_fd) == 1, "nobody finishes what has not ended"
        if self.dead:
            raise StoreBroken("killed")
        if self._fate.written:
            self._database.finish_commit()
        if self._fate.broken:
            raise StoreBroken("disk I/O error")

    def maintain(self, *, idle: bool = False) -> bool:
        return False if self.dead else self._database.maintain(idle=idle)

    def checkpoint(self) -> None:
        if not self.dead:
            self._database.checkpoint()

    def full(self) -> None:
        """No space, until `mended`."""
        self._suffer(FAULTS["sqlite"].full)

    def held(self) -> None:
        """Another process has the write lock, until `mended`."""
        self._suffer(FAULTS["sqlite"].held)

    def mended(self) -> None:
        self._faults.close()

    def kill(self, *, lands: bool) -> None:
        """The process dies now; what was being committed `lands` on the disk, or not."""
        if self.under_way and lands and not self.dead:
            self._write()
        self.dead = True
        if self.under_way:
            self.under_way = False
            os.eventfd_write(self.commit_fd, 1)

    def close(self) -> None:
        self.mended()
        self._database.close()
        os.close(self.commit_fd)

    def _suffer(self, fault: Callable[[Any, Path], AbstractContextManager[None]]) -> None:
        self._faults.close()
        if not self._database._db.in_transaction and not self.under_way:
            self._faults.enter_context(fault(self._database, self._path))

    async def _end_later(self, seconds: float) -> None:
        await trio.sleep(seconds)
        if not self.dead:
            self._end()

    def _end(self) -> None:
        if self._fate.written:
            self._write()
        self.under_way = False
        os.eventfd_write(self.commit_fd, 1)

    def _write(self) -> None:
        """The engine's commit thread does it, while virtual time stands still."""
        self._database.start_commit()
        ended = select.poll()
        ended.register(self._database.commit_fd, select.POLLIN)
        assert ended.poll(COMMIT_S * 1000), "the engine's commit does not end"
