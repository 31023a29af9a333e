"""What all small tables share: the writing connection, their bounds, and the row counts that memory holds."""

from __future__ import annotations

from typing import Any

from evd.model.target_kinds import TargetKind
from evd.store.settings import Limits
from evd.store.sqlite.rings import Rings

PERSONAL_KINDS = "(SELECT kind FROM target_kinds WHERE personal)"
STALE_KINDS = "(SELECT kind FROM target_kinds WHERE goes_stale)"
ROOMY_KINDS = "(SELECT kind FROM target_kinds WHERE makes_room)"
"""The kinds of target that are so (`evd.model.target_kinds`), as a question asks for them: `kind IN` this."""


class Registry:
    """The small tables on one writing connection, and in memory the row counts of those that may be long."""

    def __init__(self, connection: Any, rings: Rings, limits: Limits) -> None:
        self.db = connection
        self.rings = rings
        self.limits = limits
        connection.execute("DELETE FROM pushed WHERE slot >= ?", (limits.pushed,))
        self.target_kinds = {row[0]: TargetKind(*row) for row in connection.execute("SELECT * FROM target_kinds")}
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
