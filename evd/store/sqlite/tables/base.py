"""What all small tables share: the writing connection, their bounds, and the row counts that memory holds."""

from __future__ import annotations

from typing import Any

from evd.store.settings import Limits
from evd.store.sqlite.rings import Rings


class Registry:
    """The small tables on one writing connection, and in memory the row counts of those that may be long."""

    def __init__(self, connection: Any, rings: Rings, limits: Limits) -> None:
        self.db = connection
        self.rings = rings
        self.limits = limits
        connection.execute("DELETE FROM pushed WHERE slot >= ?", (limits.pushed,))
        self._count()

    def forget(self) -> None:
        """The transaction was rolled back: what memory says is no longer true."""
        self._count()

    def _count(self) -> None:
        self.waiting = self._one("SELECT count(*) FROM outbox")
        self.registered = self._one("SELECT count(*) FROM registrations")
        self.downlinks = self._one("SELECT count(*) FROM downlinks")
        self.modems = self._one("SELECT count(*) FROM modems")
        self.next_push = 1 + self._one("SELECT max(number) FROM pushed")

    def _one(self, sql: str) -> int:
        (value,) = self.db.execute(sql).fetchone()
        return value or 0
