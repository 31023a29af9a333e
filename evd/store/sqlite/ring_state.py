"""The state in memory of a vehicle whose ring is written to."""

from __future__ import annotations

from evd.model.frame_counter import DayTally
from evd.model.retention import Circle, Front

SLOTS_PER_VEHICLE = 1 << 20
"""A ring's slots have consecutive row ids; the schema's views contain this number, too."""

OVERFLOW_MAX = SLOTS_PER_VEHICLE
"""Places of a ring's overflow: the ids below -number * SLOTS_PER_VEHICLE, as many as slots."""


class RingState(Front):
    """The head of a vehicle: its ring's shape and its frame count, so that most arrivals need no read."""

    __slots__ = ("base", "behind", "frames", "number", "tally")

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
