"""A histogram of durations, for Prometheus: cheap to note, folded into its buckets now and then."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from evd.model.daemon_state import Durations

FOLDED_AT = 1024
"""Durations that are gathered before they are put into buckets: sorted together that costs a third of one by one."""

FAST_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds for what ends with a disk's sync: from an NVMe's half millisecond to Sigfox's patience, 10 s."""

FAR_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds for an answer of the far side, which evd waits for up to `push.timeout_s`."""


class DurationHistogram:
    """Counts by upper bounds (s, rising; the last bucket has none)."""

    def __init__(self, bounds_s: Sequence[float]) -> None:
        self._bounds_s = bounds_s
        self._gathered: list[float] = []
        self._up_to = [0] * (len(bounds_s) + 1)
        self._sum_s = 0.0
        self._worst_s = 0.0

    def note(self, seconds: float) -> None:
        self._gathered.append(seconds)
        if len(self._gathered) >= FOLDED_AT:
            self._fold()

    def state(self) -> Durations:
        """All that was noted."""
        self._fold()
        bounds = [*map(str, self._bounds_s), "+Inf"]
        return Durations(sum_s=self._sum_s, buckets=list(zip(bounds, self._up_to, strict=True)))

    def take_worst_s(self) -> float | None:
        """The longest since this was last asked; None: there was none."""
        self._fold()
        worst_s, self._worst_s = self._worst_s, 0.0
        return worst_s or None

    def _fold(self) -> None:
        gathered = self._gathered
        gathered.sort()
        self._worst_s = max([self._worst_s, *gathered[-1:]])
        for index, bound in enumerate(self._bounds_s):
            self._up_to[index] += bisect_right(gathered, bound)
        self._up_to[-1] += len(gathered)
        self._sum_s += sum(gathered)
        gathered.clear()
