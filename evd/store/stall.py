"""Detect a stall of the database: operations wait, and nothing was committed for too long."""

from __future__ import annotations

from evd.model.daemon_state import NotReady


class Stall:
    """`reason` says why nothing is committed; None if there is no stall.

    Times are seconds of a monotonic clock.
    """

    def __init__(self, after_s: float) -> None:
        self.reason: NotReady | None = None
        self.detail = ""
        """The last reason, for the operator: what is wrong, where, and what to do."""
        self._after_s = after_s
        self._since: float | None = None
        self._commits = 0

    def look(self, now: float, *, waiting: bool, commits: int, refused: str) -> bool:
        """Update `reason`; returns whether it changed. `refused` is why the last attempt failed, "" if it did not."""
        since = self._since
        if (not waiting and not refused) or commits != self._commits or since is None:
            self._commits = commits
            self._since = now if waiting or refused else None
            reason = None
        elif now - since < self._after_s:
            return False
        else:
            reason = NotReady.DATABASE_HELD if refused else NotReady.DISK_HANGS
            self.detail = refused or "the disk does not answer: look at it and at the system's log"
        changed = reason != self.reason
        self.reason = reason
        return changed
