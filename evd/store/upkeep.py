"""What the store wants done beside its commits (a checkpoint) or between two of them (maintenance), in threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import trio

from evd.concurrency.shielding import ThreadTask
from evd.errors import StoreBusy, StoreFull
from evd.store.protocols import Store
from evd.store.writer_health import WriterHealth


class Upkeep:
    """Maintenance runs beside no checkpoint; whoever calls `maintain` begins no commit meanwhile."""

    def __init__(self, store: Store, health: WriterHealth) -> None:
        self._store = store
        self._health = health
        self._checkpointed = trio.Event()
        self._checkpointed.set()

    def begin_checkpoint(self, nursery: trio.Nursery) -> None:
        """Where the store wants one and none runs: while commits go on."""
        if self._store.wants_checkpoint and self._checkpointed.is_set():
            self._checkpointed = trio.Event()
            nursery.start_soon(self._checkpoint)

    async def maintain(self, *, idle: bool = False) -> bool:
        """One bounded step; True if more is left. `idle`: nothing else is to do."""
        if idle and not self._checkpointed.is_set():
            return False  # nobody should wait for what is done beside commits
        await self._checkpointed.wait()
        try:
            more: bool = await self._in_thread(partial(self._store.maintain, idle=idle))
        except StoreFull as error:
            self._health.found_full(error)
        except StoreBusy as error:
            self._health.found_busy(error)  # tried again at the next turn
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
            pass  # tried again after the next commit
        finally:
            self._checkpointed.set()

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        task = ThreadTask(work)
        await self._health.left_in_peace(task.ended)
        return task.result()
