"""Learns how long silences between callbacks usually are, to recognize one that is longer than usual.

All durations are seconds in which evd listened: the time between two steps, bounded. So neither a stop of evd nor a
jump of the clock makes a silence, and a restart continues where the last process was.
"""

from __future__ import annotations

import msgspec

from evd.model.units import DAY_S

HALF_LIFE_S = 28.0 * DAY_S
"""Half-life of the longest known silence: a weekend's silence is still known at the next weekend."""

FACTOR = 2.0
"""A silence is longer than usual from so many times the longest known one on."""

STEP_MAX_S = 60.0
"""The longest time that counts between two steps: a suspended machine did not listen."""


class Passed:
    """The time between two looks at a wall clock: 0 if the clock went back, STEP_MAX_S if it jumped ahead."""

    def __init__(self) -> None:
        self._last: int | None = None

    def look(self, now: int) -> float:
        """`now` is epoch ms; returns seconds."""
        last, self._last = self._last, now
        return 0.0 if last is None else min(max((now - last) / 1000, 0.0), STEP_MAX_S)


class Rhythm(msgspec.Struct):
    """What is known of silences so far; kept in a file across restarts."""

    silent_s: float | None = None
    """Since the last callback; None: there was none yet."""
    longest_s: float = 0.0
    """The longest silence that ended with a callback; it decays."""

    def step(self, passed_s: float, heard: bool, at_least_s: float) -> None:
        """`heard`: a callback came since the last step. `at_least_s` as for `limit_s`."""
        self.longest_s *= 0.5 ** (passed_s / HALF_LIFE_S)
        if heard:
            # A weekend should raise an alarm only once; but a long outage is not usual, so it is not learned whole.
            self.longest_s = max(self.longest_s, min(self.silent_s or 0.0, FACTOR * self.limit_s(at_least_s)))
            self.silent_s = 0.0
        elif self.silent_s is not None:
            self.silent_s += passed_s

    def limit_s(self, at_least_s: float) -> float:
        """From what length on a silence is longer than usual, but at least `at_least_s`."""
        return max(at_least_s, FACTOR * self.longest_s)
