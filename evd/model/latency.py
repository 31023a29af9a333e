"""How long something takes: a count, a sum, and the longest since somebody looked."""

from __future__ import annotations


class Latency:
    """Durations in seconds. `count` and `sum_s` are since the start; their growth gives the mean of a span."""

    __slots__ = ("_worst_s", "count", "sum_s")

    def __init__(self) -> None:
        self.count = 0
        self.sum_s = 0.0
        self._worst_s = 0.0

    def note(self, duration_s: float) -> None:
        """One more; a duration below 0, after a jump of a clock, counts as 0."""
        duration_s = max(duration_s, 0.0)
        self.count += 1
        self.sum_s += duration_s
        self._worst_s = max(self._worst_s, duration_s)

    def take_worst_s(self) -> float:
        """The longest since this was last asked; 0 if there was none."""
        worst_s, self._worst_s = self._worst_s, 0.0
        return worst_s
