"""Which status a vehicle's ring takes in, where it goes, and what falls out.

The ring keeps a vehicle's newest statuses by (time, seqNumber), ties by arrival (DESIGN, promises 3 and 4). A status
whose time lies ahead of the server's clock ranks below every timely one: it may fill an empty place, but never costs a
timely status its own.

It is a circle of slots in which the statuses stand in the order of their ranks: the slot after the newest is empty, or
holds the lowest, whose place the next newest takes. So a full ring never grows, and what comes in order moves nothing.
What comes late is let in by moving the shorter side of the circle by one slot.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

TIME_MIN = -(1 << 63)
"""The earliest time that can be kept, epoch ms."""


class Rank(NamedTuple):
    """The place of a status in its ring's order; the lowest falls out first. `time` is epoch ms, no seq is -1."""

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
    """A ring's slots: `kept` of `slots` are taken, the newest (highest rank) stands in slot `newest`."""

    slots: int
    kept: int = 0
    newest: int = -1

    @property
    def full(self) -> bool:
        return self.kept >= self.slots

    def slot(self, index: int) -> int:
        """The slot of the status at `index` of the order, 0 being the lowest; `kept` is where the next newest goes."""
        return (self.newest - self.kept + 1 + index) % self.slots


class Insertion(NamedTuple):
    """What to do, in this order: each move (from, to), where `to` is empty or falls out; then write into `slot`."""

    moves: list[tuple[int, int]]
    slot: int
    after: Circle


class Front:
    """The open end of a circle, where what is newer than all comes in; it changes in place, and costs no tuple.

    `append` says what `needs_look`, `judge` and `insert` together say of such a status, and of no other one.
    """

    __slots__ = ("ahead", "kept", "newest", "seq", "slots", "time")

    def __init__(self, circle: Circle, last: Rank | None = None, *, ahead: bool = False) -> None:
        self.circle = circle
        self.last = last
        self.ahead = ahead
        """Whether the ring may hold statuses whose time lay in the future."""

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

    def append(self, time: int, seq: int) -> int:
        """Let a timely status in that is newer than all: the slot it takes. Another one is not let in: -1."""
        if self.ahead or time < self.time or (time == self.time and seq <= self.seq):
            return -1
        slot = self.newest + 1
        if slot == self.slots:
            slot = 0
        if self.kept < self.slots:
            self.kept += 1
        self.newest, self.time, self.seq = slot, time, seq
        return slot


def needs_look(rank: Rank, newest: Rank | None, *, ahead: bool) -> bool:
    """Whether the ring must be searched before `judge` can be asked: what is newer than all is in no ring yet.

    `ahead`: the ring may hold statuses whose time lay in the future; one of them may come again once it does not.
    """
    return not rank.timely or ahead or (newest is not None and rank <= newest)


def judge(
    rank: Rank, *, newest: Rank | None, full: bool, duplicate: bool = False, oldest: Rank | None = None
) -> Verdict:
    """What becomes of a status.

    `newest` is the rank of the last timely status. `duplicate` and `oldest` (the lowest rank of a full ring) matter
    only where `needs_look` says so.
    """
    if duplicate:
        return Verdict.DUPLICATE
    if not rank.timely:
        return Verdict.NO_ROOM if full else Verdict.AHEAD
    if full and newest is not None and rank < newest and oldest is not None and rank < oldest:
        return Verdict.TOO_OLD
    return Verdict.NEWEST if newest is None or rank >= newest else Verdict.LATE


def insert(circle: Circle, index: int) -> Insertion:
    """Let a status in behind the `index` lowest ones; where the circle is full, the lowest of all falls out.

    `index` is 0 to `kept`; in a full circle at least 1, for what is lower than all is not let in.
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
