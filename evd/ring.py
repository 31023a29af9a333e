"""Which status a vehicle's ring takes in, and what falls out for it.

The ring keeps a vehicle's newest statuses by (time, seqNumber), ties by arrival (DESIGN, promises 3 and 4). A status
whose time lies ahead of the server's clock ranks below every timely one: it may fill an empty place, but never costs a
timely status its own.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

TRIM_MAX = 64
"""Rows that one arrival may push out: a lowered ring shrinks as its vehicle speaks, in steps of this size."""


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


class Place(NamedTuple):
    verdict: Verdict
    trim: int = 0
    """How many of the lowest rows fall out once the new one is in."""


def needs_look(rank: Rank, newest: Rank | None, *, ahead: bool) -> bool:
    """Whether the ring must be searched before `place` can be asked: what is newer than all is in no ring yet.

    `ahead`: the ring may hold statuses whose time lay in the future; one of them may come again once it does not.
    """
    return not rank.timely or ahead or (newest is not None and rank <= newest)


def place(
    rank: Rank, *, newest: Rank | None, kept: int, capacity: int, duplicate: bool = False, oldest: Rank | None = None
) -> Place:
    """Where a status goes in a ring of `kept` statuses that may hold `capacity`.

    `newest` is the rank of the last timely status. `duplicate` and `oldest` (the lowest rank of a full ring's newest
    `capacity`) matter only where `needs_look` says so.
    """
    if duplicate:
        return Place(Verdict.DUPLICATE)
    full = kept >= capacity
    if not rank.timely:
        return Place(Verdict.NO_ROOM) if full else Place(Verdict.AHEAD)
    if full and newest is not None and rank < newest and oldest is not None and rank < oldest:
        return Place(Verdict.TOO_OLD)
    verdict = Verdict.NEWEST if newest is None or rank >= newest else Verdict.LATE
    return Place(verdict, min(max(kept + 1 - capacity, 0), TRIM_MAX))
