"""The frame counts of vehicles: the newest day's in `vehicles`, earlier days' in `past_days`.

The counts depend on the set of frames only, not on their order. A late frame splits the gap that it falls into, so the
gap's count is replaced by the counts of the two that remain. Its neighbours must be in the ring or in `frames`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from evd.model.connectivity import SIGFOX
from evd.model.frame_counter import SEQ_MAX, DayTally, gap
from evd.model.retention import Circle
from evd.model.units import DAY_MS
from evd.store.rules import DAYS_KEPT, FRAMES_MAX
from evd.store.sqlite.ring_overflow import Overflow
from evd.store.sqlite.ring_state import RingState

LOOK_ROWS_MAX = 1_024
"""Rows of the ring that are searched on either side of a late frame; enough even if most statuses came by WLAN."""

_COUNTS = f"connectivity = {SIGFOX} AND timely = 1 AND seq BETWEEN 0 AND {SEQ_MAX}"
_BELOW = f"SELECT time, seq FROM statuses WHERE place BETWEEN ? AND ? AND {_COUNTS} ORDER BY place DESC LIMIT 1"  # noqa: S608 (constants)
_ABOVE = f"SELECT time, seq FROM statuses WHERE place BETWEEN ? AND ? AND {_COUNTS} ORDER BY place LIMIT 1"  # noqa: S608
_ALL = f"SELECT time, seq FROM statuses WHERE place BETWEEN ? AND ? AND {_COUNTS} ORDER BY time, seq"  # noqa: S608
_AT = "SELECT time, seq FROM statuses WHERE place = ?"
_FRAME_BELOW = """
SELECT time, seq FROM frames WHERE vehicle = ? AND (time, seq) <= (?, ?) ORDER BY time DESC, seq DESC LIMIT 1"""
_FRAME_ABOVE = "SELECT time, seq FROM frames WHERE vehicle = ? AND (time, seq) > (?, ?) ORDER BY time, seq LIMIT 1"
_FRAMES = "SELECT count(*), min(time) FROM frames WHERE vehicle = ?"
_OLDEST_FRAME = """
DELETE FROM frames WHERE (vehicle, time, seq) =
    (SELECT vehicle, time, seq FROM frames WHERE vehicle = ? ORDER BY time, seq LIMIT 1)"""
_ADD = """
INSERT INTO past_days (vehicle, day, received, lost, resets) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET received = received + excluded.received, lost = max(lost + excluded.lost, 0),
                          resets = max(resets + excluded.resets, 0)"""

_Frame = tuple[int, int]
"""(time, seqNumber)"""


class Neighbours(NamedTuple):
    """The nearest frames among a ring's statuses on both sides of a place; `after` is None behind the newest one."""

    before: _Frame
    after: _Frame | None


class FrameCounts:
    """The frame counts of all vehicles, on one writing connection and inside the caller's transaction.

    A vehicle's tally is part of its head and is written with its ring's shape. Gathered rows must be written before.
    `contract` is the number of messages a day that a device may send; where it was changed, a gap that was judged by
    the one before may be taken back as something else, but no count falls below 0.
    """

    def __init__(self, connection: Any, overflow: Overflow, contract: int) -> None:
        self._db = connection
        self._overflow = overflow
        self.contract = contract

    def follow(self, head: RingState, time: int, seq: int) -> None:
        """Count a frame that is newer than all counted ones."""
        tally, day = head.tally, time // DAY_MS
        if day == tally.day:
            tally.add(time, seq, self.contract)
            return
        if tally.received:
            self._db.execute(_ADD, (head.number, tally.day, tally.received, tally.lost, tally.resets))
        self._db.execute("DELETE FROM past_days WHERE vehicle = ? AND day < ?", (head.number, day - DAYS_KEPT))
        tally.turn(time, seq, self.contract)

    def squeeze_in(
        self, head: RingState, index: int, time: int, seq: int, neighbours: Neighbours | None = None
    ) -> None:
        """Count a frame that is not the newest, and whose status goes to `index` of the ring.

        `neighbours` are those of a ring without an overflow, if they are known; otherwise they are looked for.
        """
        new = (time, seq)
        before, whole = self._before(head, index, new) if neighbours is None else self._known(head, neighbours, new)
        if before == new:
            return
        after = self._after(head, index, new) if neighbours is None else self._known_after(head, neighbours, new)
        day, received = time // DAY_MS, 1
        if after is None or (before is None and not whole):
            # Its neighbour is no longer kept, so the gap before it is unknown.
            self._add(head, day, received, 0, 0)
            return
        lost, reset = self._between(new, after)
        if before is not None:
            taken_back, no_reset = self._between(before, after)
            lost, reset = lost - taken_back, reset - no_reset
        self._add(head, after[0] // DAY_MS, 0, lost, reset)
        self._add(head, day, received, *((0, 0) if before is None else self._between(before, new)))

    def recount(self, head: RingState) -> None:
        """Count all frames in the ring, none of which was counted yet."""
        head.tally = DayTally()
        for time, seq in self._db.execute(_ALL, (head.base, head.base + head.slots - 1)).fetchall():
            if (time, seq) > (head.tally.time, head.tally.seq):
                self.follow(head, time, seq)

    def has_frame(self, head: RingState, time: int, seq: int) -> bool:
        """Whether this frame, which is no message, came before; one older than all kept frames counts as known."""
        kept, oldest = self._db.execute(_FRAMES, (head.number,)).fetchone()
        if kept >= FRAMES_MAX and time <= oldest:
            return True
        key = (head.number, time, seq)
        found = self._db.execute("SELECT 1 FROM frames WHERE vehicle = ? AND time = ? AND seq = ?", key).fetchone()
        return found is not None

    def keep_frame(self, head: RingState, time: int, seq: int) -> None:
        head.frames = True
        self._db.execute("INSERT INTO frames (vehicle, time, seq) VALUES (?, ?, ?)", (head.number, time, seq))
        kept, _ = self._db.execute(_FRAMES, (head.number,)).fetchone()
        if kept > FRAMES_MAX:
            self._db.execute(_OLDEST_FRAME, (head.number,))

    def _before(self, head: RingState, index: int, new: _Frame) -> tuple[_Frame | None, bool]:
        """The newest frame that is not newer than `new`, None if unknown; and whether no older one can be missing."""
        low = max(index - LOOK_ROWS_MAX, 0)
        found = [self._first(_BELOW, head, stretch) for stretch in reversed(stretches(head.circle, low, index - 1))]
        beside = [self._frame(_FRAME_BELOW, head, new), self._overflow.frame_below(head, new)]
        nearest, whole = max(filter(None, [*found, *beside]), default=None), low == 0 and not head.full
        if whole or any(found) or nearest is None or nearest == new:
            return nearest, whole
        # It is not a status: one in between may have been evicted or not been searched, unless all of those are older.
        lowest = self._db.execute(_AT, (head.base + head.circle.slot(low),)).fetchone() if head.kept else None
        return (nearest if lowest is not None and nearest >= lowest else None), False

    def _after(self, head: RingState, index: int, new: _Frame) -> _Frame | None:
        """The oldest frame that is newer than `new`; None if it is not found within LOOK_ROWS_MAX rows."""
        high = min(index + LOOK_ROWS_MAX, head.kept)
        found = [self._first(_ABOVE, head, stretch) for stretch in stretches(head.circle, index, high - 1)]
        if high < head.kept and not any(found):
            return None
        beside = [self._frame(_FRAME_ABOVE, head, new), self._overflow.frame_above(head, new)]
        return min(filter(None, [*found, *beside, (head.tally.time, head.tally.seq)]))

    def _known(self, head: RingState, known: Neighbours, new: _Frame) -> tuple[_Frame | None, bool]:
        """As `_before`, where the statuses were read already."""
        beside = self._frame(_FRAME_BELOW, head, new) if head.frames else None
        return known.before if beside is None else max(known.before, beside), False

    def _known_after(self, head: RingState, known: Neighbours, new: _Frame) -> _Frame:
        """As `_after`, where the statuses were read already."""
        beside = self._frame(_FRAME_ABOVE, head, new) if head.frames else None
        return min(filter(None, (known.after, beside, (head.tally.time, head.tally.seq))))

    def _frame(self, sql: str, head: RingState, frame: _Frame) -> _Frame | None:
        """A frame of the table `frames`, whose frames are no statuses."""
        return cast("_Frame | None", self._db.execute(sql, (head.number, *frame)).fetchone())

    def _first(self, sql: str, head: RingState, stretch: tuple[int, int]) -> _Frame | None:
        first, last = stretch
        return cast("_Frame | None", self._db.execute(sql, (head.base + first, head.base + last)).fetchone())

    def _between(self, one: _Frame, other: _Frame) -> tuple[int, int]:
        """What was lost, and the restarts, between two frames."""
        lost, reset = gap(one[1], other[1], other[0] - one[0], self.contract)
        return lost, int(reset)

    def _add(self, head: RingState, day: int, received: int, lost: int, resets: int) -> None:
        tally = head.tally
        if day == tally.day:
            tally.received += received
            tally.lost = max(tally.lost + lost, 0)
            tally.resets = max(tally.resets + resets, 0)
        elif day >= tally.day - DAYS_KEPT and (received or lost or resets):
            self._db.execute(_ADD, (head.number, day, received, lost, resets))


def is_numbered(connectivity: int, time: int, seq: int) -> bool:
    """Whether it is a frame to which Sigfox gave a sequence number."""
    return connectivity == SIGFOX and time >= 0 and 0 <= seq <= SEQ_MAX


def stretches(circle: Circle, first: int, last: int) -> list[tuple[int, int]]:
    """The slots (from, to) of the statuses from index `first` to `last`; two pairs if they pass the circle's end."""
    if first > last:
        return []
    begin, end = circle.slot(first), circle.slot(last)
    return [(begin, end)] if begin <= end else [(begin, circle.slots - 1), (0, end)]
