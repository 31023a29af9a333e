"""The lag of evd's loop: while a step blocks it, every request waits.

A task sleeps for a moment, again and again, and records by how much it woke too late.
"""

from __future__ import annotations

from bisect import bisect_left

import trio

from evd.model.daemon_state import LoopState

SAMPLE_S = 0.05
"""Between two samples; a longer step is always seen, with an error of at most this much."""

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the histogram's buckets; the last one has none."""

RECENT_S = 60.0
"""Alarms use the worst lag of the current and the previous interval of this length."""


class LoopLag:
    """The histogram of lags since the start, in seconds, and the worst recent one."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0
        self._worst_untaken_s = 0.0
        self._worst_s = self._worst_before_s = 0.0
        self._turn_at = RECENT_S

    @property
    def worst_s(self) -> float:
        """The worst lag of the last one to two minutes."""
        return max(self._worst_s, self._worst_before_s)

    def take_worst_s(self) -> float:
        """The worst lag since this was last asked."""
        worst_s, self._worst_untaken_s = self._worst_untaken_s, 0.0
        return worst_s

    def note(self, lag_s: float, now_s: float) -> None:
        """Record a lag at `now_s` of a monotonic clock that began at about 0."""
        lag_s = max(lag_s, 0.0)
        self.counts[bisect_left(BOUNDS_S, lag_s)] += 1
        self.sum_s += lag_s
        self._worst_untaken_s = max(self._worst_untaken_s, lag_s)
        if now_s >= self._turn_at:
            self._worst_before_s = self._worst_s if now_s < self._turn_at + RECENT_S else 0.0
            self._worst_s = 0.0
            self._turn_at = now_s + RECENT_S
        self._worst_s = max(self._worst_s, lag_s)

    def state(self) -> LoopState:
        """For statistics."""
        total, buckets = 0, []
        for bound, count in zip((*BOUNDS_S, "+Inf"), self.counts, strict=True):
            total += count
            buckets.append((str(bound), total))
        return LoopState(worst_s=self.worst_s, sum_s=self.sum_s, buckets=buckets)

    async def run(self) -> None:
        """Sample the loop until cancelled."""
        began = due = trio.current_time()
        while True:
            due = trio.current_time() + SAMPLE_S
            await trio.sleep_until(due)
            now = trio.current_time()
            self.note(now - due, now - began)
