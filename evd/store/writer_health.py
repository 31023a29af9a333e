"""The writer's health: what it has committed, and what keeps it from writing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from evd.concurrency.shielding import shielded
from evd.errors import StoreBusy, StoreFull, StoreHangs
from evd.log.logger import log
from evd.model.durations import FAST_S, DurationHistogram
from evd.store.stall import Stall


class WriterHealth:
    """Readiness is red while the disk is full, or while `stall` has a reason."""

    def __init__(self, stall_after_s: float) -> None:
        self.stall = Stall(stall_after_s)
        """Why nothing is committed, if operations have waited too long."""
        self.turns = 0
        """Groups that were tried, whatever their outcome: while callbacks wait, this number must rise."""
        self.commits = 0
        self.commit_times = DurationHistogram(FAST_S)
        self.committed = 0
        """Operations in committed groups."""
        self.disk_full = False
        """Whether the last attempt found the disk full."""
        self.hangs = False
        """Whether the store was left in the middle of a commit, so that it cannot be closed."""
        self._refused = ""  # why the last attempt failed, while another process holds the lock

    def went_well(self) -> None:
        self.disk_full = False
        self._refused = ""

    def found_full(self, error: StoreFull) -> None:
        if not self.disk_full:
            log.error("the disk is full", reason=str(error))
        self.disk_full = True

    def found_busy(self, error: StoreBusy) -> None:
        self._refused = str(error)

    def look(self, now: float, waiting: int) -> None:
        """Log when a stall begins or ends; `now` is seconds of trio's clock."""
        if self.stall.look(now, waiting=bool(waiting), commits=self.commits, refused=self._refused):
            if self.stall.reason:
                log.error("nothing is written", reason=self.stall.detail, waiting=waiting)
            else:
                log.info("writing goes on")

    async def left_in_peace(self, wait: Callable[[], Awaitable[None]]) -> None:
        """Wait until the store can be left safely. Raises StoreHangs."""
        if not await shielded(wait):
            self.hangs = True
            raise StoreHangs("the database's disk does not answer: look at it and at the system's log")
