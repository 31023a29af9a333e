"""When vehicles are to be looked at again, because a first reading needs a second one and none has come."""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf


class ConfirmationQueue:
    """A heap of (epoch ms, vehicle) with `vehicles_max` at most; what does not fit is found by the walk, too."""

    def __init__(self, vehicles_max: int) -> None:
        self._vehicles_max = vehicles_max
        self._heap: list[tuple[int, str]] = []

    def add(self, at: int | None, vehicle: str) -> None:
        """None: nothing of it waits for a second reading."""
        heap = self._heap
        if at is not None and len(heap) < self._vehicles_max and (at, vehicle) not in heap[:1]:
            heappush(heap, (at, vehicle))

    def pop_due(self, now: int) -> str | None:
        """A vehicle whose time has come."""
        return heappop(self._heap)[1] if self._heap and self._heap[0][0] <= now else None

    def due_in_s(self, now: int) -> float:
        """Until the next one is due; infinite where none waits."""
        return (self._heap[0][0] - now) / 1000 if self._heap else inf
