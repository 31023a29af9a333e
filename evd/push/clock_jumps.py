"""Detect that the wall clock was set, by comparison with a monotonic clock."""

from __future__ import annotations

JUMP_MS = 60_000
"""A gain or loss of the wall clock on the monotonic clock beyond which it counts as set."""


class ClockJumps:
    """`now` is seconds of the monotonic clock, `now_ms` epoch ms of the wall clock."""

    def __init__(self, *, lenient_s: float) -> None:
        self._lenient_s = lenient_s
        self._ahead_ms = 0.0
        self._lenient_until = 0.0

    def begin(self, now: float, now_ms: int) -> None:
        """Note the first difference between the clocks."""
        self._ahead_ms = now_ms - now * 1000

    def gained_ms(self, now: float, now_ms: int) -> float:
        """By how much the wall clock was set since the last call; below 0 if it was set back, 0 if it was not set."""
        ahead_ms = now_ms - now * 1000
        gained_ms = ahead_ms - self._ahead_ms
        if abs(gained_ms) <= JUMP_MS:
            return 0.0
        self._ahead_ms = ahead_ms
        self._lenient_until = now + self._lenient_s
        return gained_ms

    def lenient(self, now: float) -> bool:
        """Whether it was set within `lenient_s`, so that times in the database prove nothing old."""
        return now < self._lenient_until
