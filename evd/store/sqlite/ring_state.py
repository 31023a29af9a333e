"""The state in memory of a vehicle whose ring is written to."""

from __future__ import annotations

from evd.derived.fold import Fold
from evd.model.frame_counter import DayTally
from evd.model.retention import Circle, Front

SLOTS_PER_VEHICLE = 1 << 20
"""A ring's slots have consecutive row ids; the schema's views contain this number, too."""

OVERFLOW_MAX = SLOTS_PER_VEHICLE
"""Places of a ring's overflow: the ids below -number * SLOTS_PER_VEHICLE, as many as slots."""

SAVE_EVERY = 64
"""Statuses in order after which what is derived and open is written; a reader and a start derive so many again, in a
millisecond."""


class RingState(Front):
    """The head of a vehicle: its ring's shape and its frame count, so that most arrivals need no read."""

    __slots__ = ("activity", "base", "behind", "fold", "frames", "number", "save_at", "tally", "unsaved")

    def __init__(
        self,
        number: int,
        circle: Circle,
        tally: DayTally,
        *,
        keep: int,
        overflow: int = 0,
        ahead: bool = False,
        frames: bool = False,
    ) -> None:
        super().__init__(circle, keep=keep, overflow=overflow, ahead=ahead)
        self.number = number
        self.base = number * SLOTS_PER_VEHICLE
        self.tally = tally
        self.behind = 0
        """How many statuses came in order since the ring's shape was written."""
        self.frames = frames
        """Whether the table `frames` has frames of this vehicle."""
        self.fold: Fold | None = None
        """What is derived of the vehicle and still open (evd.store.sqlite.derivation); None: nothing is derived now."""
        self.unsaved = 0
        """How many statuses came since it was written."""
        self.save_at = min(SAVE_EVERY, keep)
        """From how many on it is written: those that are not in it must be in the ring."""
        self.activity: bytes | None = None
        """What is open after the status that is written next."""
