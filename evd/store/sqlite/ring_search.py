"""Finding a status in its ring: by its rank and id, and the newest one behind a shape that was written a while ago."""

from __future__ import annotations

from typing import Any

from evd.model.retention import Circle, Rank
from evd.store.sqlite.frame_counts import is_numbered, stretches
from evd.store.sqlite.ring_layout import RingDamaged, rank_at
from evd.store.sqlite.ring_overflow import Overflow
from evd.store.sqlite.ring_state import RingState

SHAPE_EVERY = 8
"""With every eighth status in order a ring's shape is written; for the others, a page less goes into the log.
Whoever reads walks on from the written shape, which is exact while fewer have followed than the ring has slots."""

TIES_MAX = 8
"""Statuses of one time and seqNumber that are looked at one by one."""

_PLACES = ",".join("?" * (SHAPE_EVERY + 1))
_RANKS = f"SELECT place, timely, time, seq, connectivity FROM statuses WHERE place IN ({_PLACES})"  # noqa: S608 (a constant)
_HOLDS = "SELECT 1 FROM statuses WHERE place BETWEEN ? AND ? AND id = ?"
_ID = "SELECT id FROM statuses WHERE place = ?"


class Search:
    """On one writing connection; what the ring holds must be written. Every method raises RingDamaged.

    `contract` is that of `evd.model.frame_counter`, for statuses that were counted before the shape was written.
    """

    def __init__(self, connection: Any, overflow: Overflow, contract: int) -> None:
        self._db = connection
        self._overflow = overflow
        self._contract = contract

    def holds(self, head: RingState, rank: Rank, high: int, status_id: str) -> bool:
        """Whether the ring has this status, be it that it lay in the future when it came, or does now.

        `high` statuses of the circle have no higher rank, were it timely.
        """
        low = self._first_equal(head, rank, high)
        for first, last in stretches(head.circle, low, high - 1):
            if self._db.execute(_HOLDS, (head.base + first, head.base + last, status_id)).fetchone():
                return True
        return any(self._id_at(place) == status_id for place in self._beside(head, rank))

    def places(self, head: RingState, time: int, seq: int) -> list[int]:
        """Where the ring's statuses of this time and seqNumber (-1: none) stand: mostly one, or none."""
        rank = Rank(True, time, seq)
        return self.equal(head, rank, self.count_up_to(head, rank))

    def equal(self, head: RingState, rank: Rank, high: int) -> list[int]:
        """Likewise, where it is known that `high` statuses of the circle have no higher rank, were it timely."""
        in_circle = [head.base + head.circle.slot(index) for index in range(self._first_equal(head, rank, high), high)]
        return in_circle + self._beside(head, rank)

    def _beside(self, head: RingState, rank: Rank) -> list[int]:
        either = (rank._replace(timely=timely) for timely in (True, False))
        return [place for one in either for place in self._overflow.equal(head, one)]

    def _first_equal(self, head: RingState, rank: Rank, high: int) -> int:
        """The index of the first status of this time and seqNumber in the circle, or `high`."""
        rank, low = rank._replace(timely=True), high
        while low > 0 and rank_at(self._db, head, low - 1) == rank:
            low -= 1
            if high - low >= TIES_MAX:  # a sender without a clock: searched for, too
                return self.count_up_to(head, rank._replace(seq=rank.seq - 1))
        return low

    def count_up_to(self, head: RingState, rank: Rank) -> int:
        """How many statuses of the circle rank no higher; the search begins at the newest: few are late by much."""
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
        """From a ring's shape as it was written to how it stands: a status in order ranks above the one before it."""
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
        """Place → rank and channel of the status in the newest slot that was written down, and of those behind it."""
        places = [head.base + (head.newest + steps) % head.slots for steps in range(SHAPE_EVERY + 1)]
        rows = self._db.execute(_RANKS, places).fetchall()
        return {place: (Rank(bool(timely), time, seq), channel) for place, timely, time, seq, channel in rows}

    def _id_at(self, place: int) -> str:
        row = self._db.execute(_ID, (place,)).fetchone()
        return "" if row is None else str(row[0])
