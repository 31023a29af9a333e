"""Run the store's checkpoints, beside its commits, and its maintenance, between two commits, in threads.

How work begins is an argument: a thread ends when it likes, so a simulation with a clock of its own
(`tests/support/simulated_daemon.py`) runs the same work at once instead.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import trio

from evd.concurrency.shielding import ThreadTask
from evd.errors import StoreBusy, StoreFull
from evd.store.protocols import Store
from evd.store.writer_health import WriterHealth


class BegunTask(Protocol):
    """Work that has begun; `result` may be called after `ended`, and raises what the work raised."""

    async def ended(self) -> None: ...

    def result(self) -> Any: ...


BeginTask = Callable[[Callable[[], Any]], BegunTask]


class Upkeep:
    """Maintenance runs beside no checkpoint; the caller of `maintain` begins no commit meanwhile."""

    def __init__(self, store: Store, health: WriterHealth, begin: BeginTask = ThreadTask) -> None:
        self._begin = begin
        self._store = store
        self._health = health
        self._checkpointed = trio.Event()
        self._checkpointed.set()

    def begin_checkpoint(self, nursery: trio.Nursery) -> None:
        """Start a checkpoint, if the store wants one and none is running; commits go on meanwhile."""
        if self._store.wants_checkpoint and self._checkpointed.is_set():
            self._checkpointed = trio.Event()
            nursery.start_soon(self._checkpoint)

    async def maintain(self, *, idle: bool = False) -> bool:
        """Do one bounded step of maintenance; True if more is left. `idle`: there is nothing to commit."""
        if idle and not self._checkpointed.is_set():
            return False  # maintenance must not wait for a checkpoint
        await self._checkpointed.wait()
        try:
            more: bool = await self._in_thread(partial(self._store.maintain, idle=idle))
        except StoreFull as error:
            self._health.found_full(error)
        except StoreBusy as error:
            self._health.found_busy(error)  # retried in the next turn
        else:
            self._health.went_well()
            return more
        return False

    async def _checkpoint(self) -> None:
        try:
            await self._in_thread(self._store.checkpoint)
        except StoreFull as error:
            self._health.found_full(error)
        except StoreBusy:
            pass  # retried after the next commit
        finally:
            self._checkpointed.set()

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        task = self._begin(work)
        await self._health.left_in_peace(task.ended)
        return task.result()
