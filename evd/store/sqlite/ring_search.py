"""Find a status in its ring by rank and id, and follow a written ring shape to the newest status."""

from __future__ import annotations

from typing import Any

from evd.model.retention import Circle, Rank
from evd.store.sqlite.frame_counts import is_numbered, stretches
from evd.store.sqlite.ring_layout import RingDamaged, rank_at
from evd.store.sqlite.ring_overflow import Overflow
from evd.store.sqlite.ring_state import RingState

SHAPE_EVERY = 8
"""Every eighth status in order writes its ring's shape; each other one saves a page of WAL. A reader follows the
statuses from the written shape, which works as long as fewer have come since than the ring has slots."""

TIES_MAX = 8
"""Statuses of one time and seqNumber that are compared one by one."""

_PLACES = ",".join("?" * (SHAPE_EVERY + 1))
_RANKS = f"SELECT place, timely, time, seq, connectivity FROM statuses WHERE place IN ({_PLACES})"  # noqa: S608 (a constant)
_HOLDS = "SELECT 1 FROM statuses WHERE place BETWEEN ? AND ? AND id = ?"
_ID = "SELECT id FROM statuses WHERE place = ?"


class Search:
    """Searches on one writing connection; gathered rows must be written before. Every method raises RingDamaged.

    `contract` is that of `evd.model.frame_counter`, for statuses that were counted before the shape was written.
    """

    def __init__(self, connection: Any, overflow: Overflow, contract: int) -> None:
        self._db = connection
        self._overflow = overflow
        self._contract = contract

    def holds(self, head: RingState, rank: Rank, high: int, status_id: str) -> bool:
        """Whether the ring has this status, also if it was ahead of the clock when it came, or is now.

        `high` statuses of the circle would not rank above it if it were timely.
        """
        low = self._first_equal(head, rank, high)
        for first, last in stretches(head.circle, low, high - 1):
            if self._db.execute(_HOLDS, (head.base + first, head.base + last, status_id)).fetchone():
                return True
        return any(self._id_at(place) == status_id for place in self._beside(head, rank))

    def places(self, head: RingState, time: int, seq: int) -> list[int]:
        """Places of the ring's statuses with this time and seqNumber (-1: none); usually one or none."""
        rank = Rank(True, time, seq)
        return self.equal(head, rank, self.count_up_to(head, rank))

    def equal(self, head: RingState, rank: Rank, high: int) -> list[int]:
        """As `places`, if `high` statuses of the circle are known not to rank above it, were it timely."""
        in_circle = [head.base + head.circle.slot(index) for index in range(self._first_equal(head, rank, high), high)]
        return in_circle + self._beside(head, rank)

    def _beside(self, head: RingState, rank: Rank) -> list[int]:
        either = (rank._replace(timely=timely) for timely in (True, False))
        return [place for one in either for place in self._overflow.equal(head, one)]

    def _first_equal(self, head: RingState, rank: Rank, high: int) -> int:
        """The index of the circle's first status with this time and seqNumber, or `high`."""
        rank, low = rank._replace(timely=True), high
        while low > 0 and rank_at(self._db, head, low - 1) == rank:
            low -= 1
            if high - low >= TIES_MAX:  # a sender without a clock: search for the first one, too
                return self.count_up_to(head, rank._replace(seq=rank.seq - 1))
        return low

    def count_up_to(self, head: RingState, rank: Rank) -> int:
        """How many statuses of the circle do not rank above `rank`; searched from the newest, as few are very late."""
        high, step = head.kept, 1
        if head.last is not None:
            if rank >= head.last:
                return high
            high -= 1
        low = 0
        while low < high:
            probe = max(high - step, 0)
            if rank_at(self._db, head, probe) <= rank:
                low = probe + 1
                break
            high, step = probe, step * 2
        while low < high:
            middle = (low + high) // 2
            if rank_at(self._db, head, middle) <= rank:
                low = middle + 1
            else:
                high = middle
        return low

    def walk_on(self, head: RingState) -> None:
        """Follow the ring from its written shape to the newest status: each one in order ranks above the one before."""
        ranks, tally = self._ranks(head), head.tally
        if head.base + head.newest not in ranks:
            raise RingDamaged(head.number)
        highest, _ = ranks[head.base + head.newest]
        while True:
            following = (head.newest + 1) % head.slots
            rank, connectivity = ranks.get(head.base + following, (None, 0))
            if rank is None or rank <= highest:
                break
            if is_numbered(connectivity, rank.time, rank.seq) and tally.time < rank.time < tally.midnight:
                tally.add(rank.time, rank.seq, self._contract)
            head.circle, highest = Circle(head.slots, min(head.kept + 1, head.slots), following), rank
            head.behind += 1
        head.last = highest

    def _ranks(self, head: RingState) -> dict[int, tuple[Rank, int]]:
        """Place → (rank, channel) of the status in the newest slot of the written shape, and of those after it."""
        places = [head.base + (head.newest + steps) % head.slots for steps in range(SHAPE_EVERY + 1)]
        rows = self._db.execute(_RANKS, places).fetchall()
        return {place: (Rank(bool(timely), time, seq), channel) for place, timely, time, seq, channel in rows}

    def _id_at(self, place: int) -> str:
        row = self._db.execute(_ID, (place,)).fetchone()
        return "" if row is None else str(row[0])
