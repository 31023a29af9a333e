"""The statuses that stand beside their rings' circles: the table `overflow` sorts them, their rows are in `statuses`.

What comes far too late, or lies in the future, is let in here in the time of a look, however long its ring is. It stays
until it is the lowest of the ring and falls out.
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
"""Of a ring's places: what was set aside stands in the first half of them, what came late in the other one."""

LOOK_ROWS_MAX = 1_024
"""Looked at for a frame with a seqNumber: among so many one should have it, though most came by WLAN."""

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
    """All rings' overflows on one writing connection, inside the caller's transaction.

    `RingState.overflow` says how many statuses a ring has here, so that the others need no look; whoever adds or
    removes counts there.
    """

    def __init__(self, connection: Any) -> None:
        self._db = connection

    def has_future(self, number: int) -> bool:
        """Whether a vehicle's statuses here include one that lay in the future."""
        return bool(self._db.execute(_HAS_FUTURE, (number,)).fetchone()[0])

    def equal(self, head: RingState, rank: Rank) -> list[int]:
        """The places of the statuses of this very rank."""
        if not head.overflow:
            return []
        return [place for (place,) in self._db.execute(_EQUAL, (head.number, *rank)).fetchall()]

    def find_ahead(self, head: RingState, rank: Rank, status_id: str) -> int | None:
        """The place of this status where it lay in the future when it came."""
        for place in self.equal(head, rank._replace(timely=False)):
            if self._db.execute(_IS, (place, status_id)).fetchone():
                return place
        return None

    def above(self, head: RingState, rank: Rank, at_most: int) -> int:
        """How many statuses rank above this one; counting ends at `at_most`."""
        if not head.overflow or at_most <= 0:
            return 0
        (count,) = self._db.execute(_ABOVE, (head.number, *rank, at_most)).fetchone()
        return int(count)

    def lowest(self, head: RingState) -> tuple[Rank, int] | None:
        """The rank and the place of the lowest one, of equal ones the one that came first."""
        row = self._db.execute(_LOWEST, (head.number,)).fetchone() if head.overflow else None
        return None if row is None else (Rank(bool(row[0]), row[1], row[2]), row[3])

    @staticmethod
    def was_set_aside(head: RingState, place: int) -> bool:
        """Whether the status there came before those of its rank in the circle."""
        return place > -head.base - 1 - HALF

    def add(self, head: RingState, rank: Rank, *, behind: bool = True) -> int:
        """Sort one more in: the place where its row goes.

        `behind`: it came after those of its rank in the circle; what was set aside came before them.
        """
        place = self._free_place(head, behind)
        self._db.execute(_ADD, (head.number, *rank, place))
        head.overflow += 1
        head.ahead = head.ahead or not rank.timely
        return place

    def remove(self, head: RingState, rank: Rank, place: int) -> None:
        """Let go of one, its row not included."""
        self._db.execute(_REMOVE, (head.number, *rank, place))
        head.overflow -= 1
        head.ahead = head.ahead and self.has_future(head.number)

    def frame_below(self, head: RingState, frame: Frame) -> Frame | None:
        """The newest frame with a seqNumber that is no newer."""
        return self._frame(_FRAME_BELOW, head, frame)

    def frame_above(self, head: RingState, frame: Frame) -> Frame | None:
        """The oldest frame with a seqNumber that is newer."""
        return self._frame(_FRAME_ABOVE, head, frame)

    def _frame(self, sql: str, head: RingState, frame: Frame) -> Frame | None:
        if not head.overflow:
            return None
        found: Frame | None = self._db.execute(sql, (head.number, *frame)).fetchone()
        return found

    def _free_place(self, head: RingState, behind: bool) -> int:
        """Behind the others of its kind, so that places tell the order of arrival; once these are used up, any."""
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
