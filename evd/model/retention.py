"""Which statuses a vehicle's ring keeps, in which slots, and which one is evicted.

The ring keeps a vehicle's newest statuses by (time, seqNumber), ties by arrival (docs/design.md, promises 3 and 4). A
status whose time lies ahead of the server's clock ranks below every timely one: it may fill an empty slot, but never
evicts a timely status.

The ring is a circle of slots that holds timely statuses in the order of their ranks: the slot after the newest is
empty, or holds the lowest one, which the next newest overwrites. So a full ring never grows, and a status that comes in
order moves no other. A status that is a little late is inserted by moving the shorter side of the circle by one slot.
One that would move more than SHIFT_MAX rows, or lies in the future, goes to the ring's overflow: so an insertion costs
the same in a ring of any length. Circle and overflow together are the ring.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

SHIFT_MAX = 32
"""Rows that a late status may move. Sigfox's retries are a slot or two late; 32 rows are some ten pages."""

TIME_MIN = -(1 << 63)
"""The earliest time that can be kept, epoch ms."""


class Rank(NamedTuple):
    """The rank of a status in its ring; the lowest is evicted first. `time` is epoch ms; without a seq it is -1."""

    timely: bool
    time: int
    seq: int


class Verdict(Enum):
    NEWEST = "newest"  # kept, and the vehicle's last status from here on
    LATE = "late"  # kept, behind a newer one
    AHEAD = "ahead"  # kept and flagged: its time lies in the future
    DUPLICATE = "duplicate"  # the ring has it
    TOO_OLD = "too old"  # older than everything in a full ring: not kept
    NO_ROOM = "no room"  # its time lies in the future, and the ring is full of timely ones

    @property
    def kept(self) -> bool:
        return self in _KEPT


_KEPT = frozenset({Verdict.NEWEST, Verdict.LATE, Verdict.AHEAD})


class Circle(NamedTuple):
    """A ring's slots: `kept` of `slots` are taken; slot `newest` holds the newest status (the highest rank)."""

    slots: int
    kept: int = 0
    newest: int = -1

    @property
    def full(self) -> bool:
        return self.kept >= self.slots

    def slot(self, index: int) -> int:
        """The slot of the status at `index` in the order of ranks, from 0; `kept` is the slot of the next newest."""
        return (self.newest - self.kept + 1 + index) % self.slots


class Insertion(NamedTuple):
    """What to do, in this order: each move (from, to), where `to` is empty or evicted; then write into `slot`."""

    moves: list[tuple[int, int]]
    slot: int
    after: Circle


class Front:
    """The newest end of a circle, where a newer status is appended; it changes in place, without new tuples.

    `append` says what `needs_look`, `judge` and `insert` together say of such a status, and of no other one.
    """

    __slots__ = ("ahead", "keep", "kept", "newest", "overflow", "plain", "seq", "slots", "time")

    def __init__(
        self,
        circle: Circle,
        last: Rank | None = None,
        *,
        keep: int | None = None,
        overflow: int = 0,
        ahead: bool = False,
    ) -> None:
        self.circle = circle
        self.last = last
        self.keep = circle.slots if keep is None else keep
        """How many statuses the ring keeps; its circle has as many slots, or will have."""
        self.overflow = overflow
        """The number of statuses in the overflow."""
        self.ahead = ahead
        """Whether some of these lay in the future when they arrived."""
        self.settle()

    @property
    def circle(self) -> Circle:
        return Circle(self.slots, self.kept, self.newest)

    @circle.setter
    def circle(self, circle: Circle) -> None:
        self.slots, self.kept, self.newest = circle

    @property
    def last(self) -> Rank | None:
        """The rank of the last timely status."""
        return None if self.time < TIME_MIN else Rank(True, self.time, self.seq)

    @last.setter
    def last(self, rank: Rank | None) -> None:
        self.time, self.seq = (TIME_MIN - 1, 0) if rank is None else rank[1:]

    @property
    def total(self) -> int:
        """The number of statuses in the ring."""
        return self.kept + self.overflow

    @property
    def full(self) -> bool:
        return self.total >= self.keep

    @property
    def in_a_row(self) -> bool:
        """Whether the circle's order begins at its first slot, without wrapping."""
        return self.newest - self.kept >= -1

    def fit(self) -> bool:
        """Give the circle as many slots as the ring keeps, if no row must move for it; whether it changed."""
        if self.slots == self.keep or not self.in_a_row or self.newest >= self.keep:
            return False
        self.slots = self.keep
        return True

    def settle(self) -> None:
        """After any change except `append`: whether the ring is its circle alone, so that `append` can be used."""
        self.plain = not self.overflow and self.slots == self.keep

    def append(self, time: int, seq: int) -> int:
        """Append a timely status that is newer than all; returns its slot, or -1 for any other status."""
        if not self.plain or time < self.time or (time == self.time and seq <= self.seq):
            return -1
        slot = self.newest + 1
        if slot == self.slots:
            slot = 0
        if self.kept < self.slots:
            self.kept += 1
        self.newest, self.time, self.seq = slot, time, seq
        return slot


def needs_look(rank: Rank, newest: Rank | None, *, ahead: bool) -> bool:
    """Whether the ring must be searched before `judge`: a status that is newer than all is in no ring yet.

    `ahead`: the ring may hold statuses whose time lay in the future; one of them may come again later.
    """
    return not rank.timely or ahead or (newest is not None and rank <= newest)


def judge(rank: Rank, *, newest: Rank | None, full: bool, duplicate: bool = False, outranked: bool = False) -> Verdict:
    """Decide what happens to a status.

    `newest` is the rank of the last timely status. `duplicate` and `outranked` (as many statuses as the ring keeps rank
    above this one) matter only where `needs_look` says so.
    """
    if duplicate:
        return Verdict.DUPLICATE
    if not rank.timely:
        return Verdict.NO_ROOM if full else Verdict.AHEAD
    if outranked:
        return Verdict.TOO_OLD
    return Verdict.NEWEST if newest is None or rank >= newest else Verdict.LATE


def shift(circle: Circle, index: int) -> int:
    """The number of rows that `insert` would move."""
    return min(max(index - int(circle.full), 0), circle.kept - index)


def insert(circle: Circle, index: int) -> Insertion:
    """Insert a status behind the `index` lowest ones; if the circle is full, the lowest of all is evicted.

    `index` is 0 to `kept`; in a full circle at least 1, because a status below all others is not inserted.
    """
    slots, kept, newest = circle
    gone = int(circle.full)
    lower, higher = index - gone, kept - index
    if higher <= lower or higher == 0:
        moves = [(circle.slot(one), circle.slot(one + 1)) for one in range(kept - 1, index - 1, -1)]
        after = Circle(slots, kept + 1 - gone, (newest + 1) % slots)
        return Insertion(moves, circle.slot(index), after)
    moves = [(circle.slot(one), circle.slot(one - 1)) for one in range(gone, index)]
    return Insertion(moves, circle.slot(index - 1), Circle(slots, kept + 1 - gone, newest))
