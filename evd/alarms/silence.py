"""How long callbacks usually stay away, learned, so that a silence which is longer than usual can be told.

All durations are seconds in which evd listened: what passes between two steps, bounded. So neither a stop of evd nor a
clock that jumps makes a silence, and a restart goes on where the last process was.
"""

from __future__ import annotations

import msgspec

from evd.model.units import DAY_S

HALF_LIFE_S = 28.0 * DAY_S
"""Of the longest silence known: a fleet that rests at weekends is still known to rest at the next one."""

FACTOR = 2.0
"""A silence is longer than usual at so many times the longest one known."""

STEP_MAX_S = 60.0
"""The most that may pass between two steps: a machine that slept did not listen."""


class Passed:
    """What a wall clock says has passed from look to look: nothing where it went back, STEP_MAX_S where it leapt."""

    def __init__(self) -> None:
        self._last: int | None = None

    def look(self, now: int) -> float:
        """`now` is epoch ms; the answer s."""
        last, self._last = self._last, now
        return 0.0 if last is None else min(max((now - last) / 1000, 0.0), STEP_MAX_S)


class Rhythm(msgspec.Struct):
    """What is known of the silences so far; kept in a file from one process to the next."""

    silent_s: float | None = None
    """Since the last callback; None: there never was one."""
    longest_s: float = 0.0
    """The longest silence that ended with a callback, fading away."""

    def step(self, passed_s: float, heard: bool, at_least_s: float) -> None:
        """`heard`: a callback came within what passed since the last step. `at_least_s` is `limit_s`'s."""
        self.longest_s *= 0.5 ** (passed_s / HALF_LIFE_S)
        if heard:
            # A weekend is to alarm once; but a long outage is nobody's habit, and is not learned whole.
            self.longest_s = max(self.longest_s, min(self.silent_s or 0.0, FACTOR * self.limit_s(at_least_s)))
            self.silent_s = 0.0
        elif self.silent_s is not None:
            self.silent_s += passed_s

    def limit_s(self, at_least_s: float) -> float:
        """From when on a silence is longer than usual, but never sooner than `at_least_s`."""
        return max(at_least_s, FACTOR * self.longest_s)
