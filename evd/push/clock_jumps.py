"""Notices that the wall clock was set, beside a clock that never jumps."""

from __future__ import annotations

JUMP_MS = 60_000
"""A wall clock that gains or loses more on the other one was set."""


class ClockJumps:
    """`now` is s of the clock that never jumps, `now_ms` epoch ms of the other one."""

    def __init__(self, *, lenient_s: float) -> None:
        self._lenient_s = lenient_s
        self._ahead_ms = 0.0
        self._lenient_until = 0.0

    def begin(self, now: float, now_ms: int) -> None:
        """How the clocks stand to each other at first."""
        self._ahead_ms = now_ms - now * 1000

    def gained_ms(self, now: float, now_ms: int) -> float:
        """By how much the wall clock was set since the last look, below 0 where it was set back; 0: it was not."""
        ahead_ms = now_ms - now * 1000
        gained_ms = ahead_ms - self._ahead_ms
        if abs(gained_ms) <= JUMP_MS:
            return 0.0
        self._ahead_ms = ahead_ms
        self._lenient_until = now + self._lenient_s
        return gained_ms

    def lenient(self, now: float) -> bool:
        """Whether it was set so lately, within `lenient_s`, that no time of the database makes anything old."""
        return now < self._lenient_until
