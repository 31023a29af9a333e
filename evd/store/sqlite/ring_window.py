"""The newest statuses of a ring, read at once: enough to place nearly every late or repeated message.

Sigfox repeats a callback after 1, 2 and 4 minutes, so such a message lies a status or two behind its vehicle's newest
one. One statement reads WINDOW rows; what they cannot answer is left to `evd.store.sqlite.ring_search`, which takes a
statement for each look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from evd.model.retention import Circle, Rank
from evd.store.sqlite.frame_counts import Neighbours, is_numbered, stretches
from evd.store.sqlite.ring_layout import RingDamaged
from evd.store.sqlite.ring_state import RingState

WINDOW = 8
"""Statuses of a window. Eight neighbouring rows are some two pages; a message that is later is rare."""

_ROWS = "SELECT time, seq, id, connectivity FROM statuses WHERE place BETWEEN ? AND ?"


Row = tuple[int, int, str, int]
"""Time (epoch ms), seqNumber (-1: none), id and channel of a status."""


class Window(NamedTuple):
    """The `rows` of a circle's newest statuses, the newest last; `first` is the first one's index in the circle."""

    first: int
    rows: Sequence[Row]

    def index_of(self, rank: Rank) -> int:
        """How many statuses of the circle do not rank above `rank`; -1 if the window does not reach so far."""
        wanted = rank[1:]
        for index in range(len(self.rows) - 1, -1, -1):
            if self.rows[index][:2] <= wanted:
                return self.first + index + 1
        return -1 if self.first else 0

    def ids_at(self, rank: Rank, index: int) -> list[str] | None:
        """The ids of the statuses with this time and seqNumber, all below `index`; None if it may have more."""
        wanted, at, ids = rank[1:], index - self.first - 1, []
        while at >= 0 and self.rows[at][:2] == wanted:
            ids.append(self.rows[at][2])
            at -= 1
        return ids if at >= 0 or not self.first else None

    def neighbours(self, index: int) -> Neighbours | None:
        """The nearest numbered frames on both sides of `index`; None if there is none before it in the window."""
        at = index - self.first
        before = next((row[:2] for row in reversed(self.rows[:at]) if is_numbered(row[3], *row[:2])), None)
        if before is None:
            return None
        after = next((row[:2] for row in self.rows[at:] if is_numbered(row[3], *row[:2])), None)
        return Neighbours(before, after)


def read_window(connection: Any, head: RingState) -> Window:
    """The window of a ring whose statuses are all in its circle, in order. Raises RingDamaged."""
    circle: Circle = head.circle
    first = max(circle.kept - WINDOW, 0)
    rows: list[Row] = []
    for low, high in stretches(circle, first, circle.kept - 1):
        rows += connection.execute(_ROWS, (head.base + low, head.base + high)).fetchall()
    if len(rows) != circle.kept - first:
        raise RingDamaged(head.number)
    return Window(first, rows)
