"""The request rate for Sigfox's REST API: unlimited until the API answers 429, then one request after the other.

Its limit is one listing of messages a second (pysigfox, RATE_LIMIT_DEVICE_MESSAGES), and no answer states it. Times are
seconds of any monotonic clock.
"""

from __future__ import annotations

PACE_S = 1.05
"""Seconds between two requests after a 429: more than one, because requests may arrive closer together than sent."""

PACE_MAX_S = 60.0

STEP = 1.5
"""Factor of the interval for each further 429; small, because network jitter may cause one."""

EASE_AFTER = 30
"""Successful requests before the interval is divided by STEP again, never below PACE_S."""


class RequestPace:
    """Shared by all requests with the same credentials."""

    def __init__(self) -> None:
        self.quiet_until = 0.0
        """No request begins before this time."""
        self.interval_s = 0.0
        self._next = 0.0
        self._slowed_at = 0.0
        self._taken = 0

    def turn(self, now: float) -> float:
        """Reserve the next turn and return its time; ask again if `is_quiet` then."""
        at = max(now, self.quiet_until, self._next)
        if self.interval_s:
            self._next = at + self.interval_s
        return at

    def is_quiet(self, now: float) -> bool:
        return now < self.quiet_until

    def wait(self, now: float, wait_s: float) -> None:
        """Begin no request for `wait_s` seconds."""
        self.quiet_until = max(self.quiet_until, now + wait_s)

    def too_many(self, begun: float, now: float) -> None:
        """Record that a request which began at `begun` was answered 429.

        Requests that were under way together are refused together, so they slow the rate down once.
        """
        if begun < self._slowed_at:
            return
        self.interval_s = min(max(PACE_S, STEP * self.interval_s), PACE_MAX_S)
        self._slowed_at = self._next = now
        self._taken = 0

    def taken(self) -> None:
        """Record that a request was answered otherwise."""
        self._taken += 1
        if self._taken >= EASE_AFTER and self.interval_s > PACE_S:
            self.interval_s = max(PACE_S, self.interval_s / STEP)
            self._taken = 0
