"""What all small tables share: the writing connection, their bounds, and row counts in memory."""

from __future__ import annotations

from typing import Any

from evd.model.target_kinds import TargetKind
from evd.store.settings import Limits
from evd.store.sqlite.rings import Rings

PERSONAL_KINDS = "(SELECT kind FROM target_kinds WHERE personal)"
STALE_KINDS = "(SELECT kind FROM target_kinds WHERE goes_stale)"
ROOMY_KINDS = "(SELECT kind FROM target_kinds WHERE makes_room)"
"""The kinds of target with this trait (`evd.model.target_kinds`), for SQL: `kind IN` this."""


class SmallTables:
    """The small tables on one writing connection, with the row counts of the long ones in memory."""

    def __init__(self, connection: Any, rings: Rings, limits: Limits) -> None:
        self.db = connection
        self.rings = rings
        self.limits = limits
        connection.execute("DELETE FROM pushed WHERE slot >= ?", (limits.pushed,))
        self.target_kinds = {row[0]: TargetKind(*row) for row in connection.execute("SELECT * FROM target_kinds")}
        self._count()

    def forget(self) -> None:
        """Reset after a rollback: what memory held is no longer true."""
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
