"""What became of an import: counts for each table, and what was skipped, by reason, with the first example."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from evd.model.plain_text import excerpt

REASONS_MAX = 50
"""Reasons that are counted one by one; evd has about twenty."""

OTHERS = "other reasons"
DETAIL_MAX = 300

KNOWN = {"duplicate": "known", "known": "known", "too old": "too_old", "no room": "too_old", "readable": "readable"}
"""Verdict → the count that it increments; all other verdicts are of something new."""

COUNTS = ("read", "new", "known", "too_old")


class Place(NamedTuple):
    """Where something stands; lines count from 1."""

    file: str
    line: int


class ImportSummary:
    """Counts as an import goes on."""

    def __init__(self) -> None:
        self.tables: dict[str, Counter[str]] = {}
        self._skipped: dict[str, dict[str, Any]] = {}

    @property
    def skipped(self) -> int:
        return sum(one["count"] for one in self._skipped.values())

    def read(self, table: str) -> None:
        self.tables.setdefault(table, Counter())["read"] += 1

    def take(self, table: str, verdict: str) -> None:
        self.tables[table][KNOWN.get(verdict, "new")] += 1

    def skip(self, reason: str, place: Place | str, detail: str) -> None:
        """`place`: a line of a file, or the name of a document."""
        if reason not in self._skipped and len(self._skipped) >= REASONS_MAX:
            reason = OTHERS
        where = {"document": place} if isinstance(place, str) else {"file": place.file, "line": place.line}
        example = {**where, "detail": excerpt(detail, DETAIL_MAX)}
        self._skipped.setdefault(reason, {"reason": reason, "count": 0, "example": example})["count"] += 1

    def document(self) -> dict[str, Any]:
        """As JSON; the most frequent reason is first."""
        return {
            "tables": {name: {**dict.fromkeys(COUNTS, 0), **counts} for name, counts in self.tables.items()},
            "skipped": sorted(self._skipped.values(), key=lambda one: (-one["count"], one["reason"])),
        }
