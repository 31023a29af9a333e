"""The newest statuses of a ring, read at once: enough to place nearly every late or repeated message.

Sigfox repeats a callback after 1, 2 and 4 minutes, so such a message lies a status or two behind its vehicle's newest
one. One statement reads WINDOW rows; what they cannot answer is left to `evd.store.sqlite.ring_search`, which takes a
statement for each look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from evd.model.connectivity import SIGFOX
from evd.model.operations import Arrive
from evd.model.retention import Rank, Verdict, judge
from evd.model.status import ALONE
from evd.store.sqlite.frame_counts import Neighbours, is_numbered
from evd.store.sqlite.ring_layout import RingDamaged
from evd.store.sqlite.ring_state import RingState

WINDOW = 4
"""Statuses of a window. A message that is later than that is rare, and each row costs a microsecond."""

_ROWS = "SELECT time, seq, id, connectivity, flags FROM statuses WHERE place BETWEEN ? AND ?"


Row = tuple[int, int, str, int, str]
"""Time (epoch ms), seqNumber (-1: none), id, channel and flags of a status."""


class Window(NamedTuple):
    """The `rows` of a circle's newest statuses, the newest last; `first` is the first one's index in the circle."""

    first: int
    rows: Sequence[Row]

    def index_of(self, time: int, seq: int) -> int:
        """How many statuses of the circle do not rank above (time, seq); -1 if the window does not reach so far."""
        rows = self.rows
        for index in range(len(rows) - 1, -1, -1):
            row = rows[index]
            if row[0] < time or (row[0] == time and row[1] <= seq):
                return self.first + index + 1
        return -1 if self.first else 0

    def equals(self, time: int, seq: int, index: int) -> Sequence[Row] | None:
        """The statuses with this time and seqNumber, all below `index`; None if the ring may have more of them."""
        at = end = index - self.first
        while at > 0 and self.rows[at - 1][0] == time and self.rows[at - 1][1] == seq:
            at -= 1
        return self.rows[at:end] if at > 0 or not self.first else None

    def neighbours(self, index: int) -> Neighbours | None:
        """The nearest numbered frames on both sides of `index`; None if there is none before it in the window."""
        at = index - self.first
        before = next((row[:2] for row in self.rows[at - 1 :: -1] if is_numbered(row[3], row[0], row[1])), None)
        if at < 1 or before is None:
            return None
        after = next((row[:2] for row in self.rows[at:] if is_numbered(row[3], row[0], row[1])), None)
        return Neighbours(before, after)


def read_window(connection: Any, head: RingState) -> Window:
    """The window of a ring whose statuses are all in its circle, in order. Raises RingDamaged."""
    newest, count = head.newest, min(head.kept, WINDOW)
    lowest, base = newest - count + 1, head.base
    if lowest >= 0:
        rows = connection.execute(_ROWS, (base + lowest, base + newest)).fetchall()
    else:  # round the circle's end
        rows = connection.execute(_ROWS, (base + lowest + head.slots, base + head.slots - 1)).fetchall()
        rows += connection.execute(_ROWS, (base, base + newest)).fetchall()
    if len(rows) != count:
        raise RingDamaged(head.number)
    return Window(head.kept - count, rows)


class FoundInRing(NamedTuple):
    """The verdict on a message, how many statuses of the circle do not rank above it, and its neighbours if known."""

    verdict: Verdict
    below: int
    neighbours: Neighbours | None = None


def glance(connection: Any, message: Arrive, head: RingState, rank: Rank) -> FoundInRing | None:
    """Where a message belongs that is a little late or repeated, found in one statement; None for any other one."""
    if not (rank.timely and head.plain and head.kept):
        return None
    window = read_window(connection, head)
    index = window.index_of(rank.time, rank.seq)
    equals = None if index < 0 else window.equals(rank.time, rank.seq, index)
    if equals is None:
        return None
    same = any(row[2] == message.status_id for row in equals)
    if equals and message.connectivity == SIGFOX:
        flags = [message.flags, *(row[4] for row in equals)]
        if not same or any(ALONE in one.split() for one in flags):
            return None  # a DATA takes the place of its DATA_ADVANCED that came alone
    outranked = head.full and head.kept - index >= head.keep
    verdict = judge(rank, newest=head.last, full=head.full, duplicate=same, outranked=outranked)
    neighbours = window.neighbours(index) if verdict is Verdict.LATE else None
    return FoundInRing(verdict, index, neighbours)
