"""How fast Sigfox's REST API may be asked: at will, until it answers 429; from then on one request after the other.

Its limit is one message listing a second (field case A04), and it does not say so beforehand. Times are seconds of any
steady clock.
"""

from __future__ import annotations

PACE_S = 1.05
"""Between two requests, once one was too many: more than the second, for two may arrive closer than they left."""

PACE_MAX_S = 60.0

STEP = 1.5
"""So much slower with each further 429: one that jitter on the way made costs little."""

EASE_AFTER = 30
"""Requests that are taken, until a step back is tried, but none beyond PACE_S."""


class RequestPace:
    """Of all requests with the same credentials, whichever task makes them."""

    def __init__(self) -> None:
        self.quiet_until = 0.0
        """Nothing is asked before."""
        self.interval_s = 0.0
        self._next = 0.0
        self._slowed_at = 0.0
        self._taken = 0

    def turn(self, now: float) -> float:
        """When the next request may begin, which takes its turn with that; ask again where `is_quiet` by then."""
        at = max(now, self.quiet_until, self._next)
        if self.interval_s:
            self._next = at + self.interval_s
        return at

    def is_quiet(self, now: float) -> bool:
        return now < self.quiet_until

    def wait(self, now: float, wait_s: float) -> None:
        """Nothing is asked for so long."""
        self.quiet_until = max(self.quiet_until, now + wait_s)

    def too_many(self, begun: float, now: float) -> None:
        """A request that began at `begun` was answered 429.

        Those that were under way together are refused together: that is one reason to slow down, not many.
        """
        if begun < self._slowed_at:
            return
        self.interval_s = min(max(PACE_S, STEP * self.interval_s), PACE_MAX_S)
        self._slowed_at = self._next = now
        self._taken = 0

    def taken(self) -> None:
        """A request was answered otherwise."""
        self._taken += 1
        if self._taken >= EASE_AFTER and self.interval_s > PACE_S:
            self.interval_s = max(PACE_S, self.interval_s / STEP)
            self._taken = 0
