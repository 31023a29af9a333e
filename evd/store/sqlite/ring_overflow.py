"""The overflow of the rings: the table `overflow` sorts its statuses, whose rows are in `statuses`.

A status that comes far too late, or that is ahead of the clock, is added here by one look-up, however long its ring is.
It stays until it is the ring's lowest and is evicted.
"""

from __future__ import annotations

from typing import Any

from evd.model.connectivity import SIGFOX
from evd.model.frame_counter import SEQ_MAX
from evd.model.retention import Rank
from evd.store.sqlite.ring_state import OVERFLOW_MAX, RingState

_HAS_FUTURE = "SELECT EXISTS (SELECT 1 FROM overflow WHERE vehicle = ? AND timely = 0)"
_LOWEST = """
SELECT timely, time, seq, place FROM overflow WHERE vehicle = ? ORDER BY timely, time, seq, place DESC LIMIT 1"""
_ABOVE = """
SELECT count(*) FROM (
    SELECT 1 FROM overflow WHERE vehicle = ? AND (timely, time, seq) > (?, ?, ?) LIMIT ?)"""
_EQUAL = "SELECT place FROM overflow WHERE vehicle = ? AND timely = ? AND time = ? AND seq = ?"
_IS = "SELECT 1 FROM statuses WHERE place = ? AND id = ?"
_ADD = "INSERT INTO overflow (vehicle, timely, time, seq, place) VALUES (?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM overflow WHERE vehicle = ? AND timely = ? AND time = ? AND seq = ? AND place = ?"
_FURTHEST = "SELECT min(place) FROM statuses WHERE place BETWEEN ? AND ?"
_UNUSED = """
SELECT place - 1 FROM statuses AS s WHERE place BETWEEN ?1 + 1 AND ?2
    AND NOT EXISTS (SELECT 1 FROM statuses AS o WHERE o.place = s.place - 1) LIMIT 1"""

HALF = OVERFLOW_MAX // 2
"""Half of a ring's overflow places: the first has statuses that were set aside, the second those that came late."""

LOOK_ROWS_MAX = 1_024
"""Rows that are searched for a frame with a seqNumber; enough even if most statuses came by WLAN."""

_NUMBERED = f"""
SELECT o.time, o.seq FROM (
    SELECT time, seq, place FROM overflow WHERE vehicle = ? AND timely = 1 AND (time, seq) {{wanted}} (?, ?)
    ORDER BY time {{order}}, seq {{order}} LIMIT {LOOK_ROWS_MAX}) AS o
JOIN statuses AS s USING (place) WHERE s.connectivity = {SIGFOX} AND o.seq BETWEEN 0 AND {SEQ_MAX}
ORDER BY o.time {{order}}, o.seq {{order}} LIMIT 1"""  # noqa: S608 (constants)
_FRAME_BELOW = _NUMBERED.format(wanted="<=", order="DESC")
_FRAME_ABOVE = _NUMBERED.format(wanted=">", order="ASC")

Frame = tuple[int, int]
"""(time, seqNumber)"""


class Overflow:
    """The overflows of all rings, on one writing connection and inside the caller's transaction.

    `RingState.overflow` is the number of a ring's statuses here, so that rings without any need no look-up; callers
    that add or remove statuses update it.
    """

    def __init__(self, connection: Any) -> None:
        self._db = connection

    def has_future(self, number: int) -> bool:
        """Whether the overflow of a vehicle has a status that was ahead of the clock."""
        return bool(self._db.execute(_HAS_FUTURE, (number,)).fetchone()[0])

    def equal(self, head: RingState, rank: Rank) -> list[int]:
        """The places of the statuses with exactly this rank."""
        if not head.overflow:
            return []
        return [place for (place,) in self._db.execute(_EQUAL, (head.number, *rank)).fetchall()]

    def find_ahead(self, head: RingState, rank: Rank, status_id: str) -> int | None:
        """The place of this status, if it was ahead of the clock when it came."""
        for place in self.equal(head, rank._replace(timely=False)):
            if self._db.execute(_IS, (place, status_id)).fetchone():
                return place
        return None

    def above(self, head: RingState, rank: Rank, at_most: int) -> int:
        """How many statuses rank above this one, counted up to `at_most`."""
        if not head.overflow or at_most <= 0:
            return 0
        (count,) = self._db.execute(_ABOVE, (head.number, *rank, at_most)).fetchone()
        return int(count)

    def lowest(self, head: RingState) -> tuple[Rank, int] | None:
        """Rank and place of the lowest status; of equal ranks, of the earlier arrival."""
        row = self._db.execute(_LOWEST, (head.number,)).fetchone() if head.overflow else None
        return None if row is None else (Rank(bool(row[0]), row[1], row[2]), row[3])

    @staticmethod
    def was_set_aside(head: RingState, place: int) -> bool:
        """Whether the status at this place came before those of its rank in the circle."""
        return place > -head.base - 1 - HALF

    def add(self, head: RingState, rank: Rank, *, behind: bool = True) -> int:
        """Add a status to the order; returns the place for its row.

        With `behind` it came after the circle's statuses of its rank; statuses that were set aside came before them.
        """
        place = self._free_place(head, behind)
        self._db.execute(_ADD, (head.number, *rank, place))
        head.overflow += 1
        head.ahead = head.ahead or not rank.timely
        return place

    def remove(self, head: RingState, rank: Rank, place: int) -> None:
        """Remove a status from the order; its row stays."""
        self._db.execute(_REMOVE, (head.number, *rank, place))
        head.overflow -= 1
        head.ahead = head.ahead and self.has_future(head.number)

    def frame_below(self, head: RingState, frame: Frame) -> Frame | None:
        """The newest frame with a seqNumber that is not newer than `frame`."""
        return self._frame(_FRAME_BELOW, head, frame)

    def frame_above(self, head: RingState, frame: Frame) -> Frame | None:
        """The oldest frame with a seqNumber that is newer than `frame`."""
        return self._frame(_FRAME_ABOVE, head, frame)

    def _frame(self, sql: str, head: RingState, frame: Frame) -> Frame | None:
        if not head.overflow:
            return None
        found: Frame | None = self._db.execute(sql, (head.number, *frame)).fetchone()
        return found

    def _free_place(self, head: RingState, behind: bool) -> int:
        """A place after the others of its half, so that places keep the order of arrival; else any free place."""
        top = -head.base - 1
        highest = top - HALF if behind else top
        furthest = highest - HALF + 1
        (used,) = self._db.execute(_FURTHEST, (furthest, highest)).fetchone()
        if used is None:
            return highest
        if used > furthest:
            return int(used) - 1
        (free,) = self._db.execute(_UNUSED, (top - OVERFLOW_MAX + 1, top)).fetchone() or (top,)
        return int(free)
