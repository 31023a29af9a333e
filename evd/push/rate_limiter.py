"""The rate of pushes: a token bucket whose rate ramps up, is halved at a refused quota, and is 0 in pauses.

FCM's rules (Firebase, "Best practices when sending FCM messages at scale"): ramp from 0 to the full rate over at least
a minute; after a 429 wait, then send at half the rate. Times are seconds of a monotonic clock.
"""

from __future__ import annotations

from math import inf

BURST_S = 0.1
"""Seconds of the rate that may be sent at once."""

FLOOR = 0.01
"""Part of the rate at which a ramp begins: it could not begin at 0."""

RECOVER_S = 600.0
"""Seconds in which a rate recovers from 0; a halved one needs half of them."""

FAILURES_MAX = 64
"""Consecutive pushes without the provider's answer, after which it counts as down."""

PROBE_S = 10.0
"""Then one push is sent this often: each failure delays its phone's next attempt, and one success resumes all."""


LOOK_AGAIN_S = 1.0
"""The longest wait for a token: the rate rises meanwhile, so what it says now may be hours too long."""


class RateLimiter:
    """Says when the next pushes may begin. `rate_max` is in pushes a second; a ramp begins at the first call."""

    def __init__(self, rate_max: float, *, ramp_s: float) -> None:
        self._rate_max = rate_max
        self._ramp_s = ramp_s
        self._ceiling = rate_max
        self._halved_at = -inf
        self._ramp_from = -inf
        self._started = False
        self._tokens = 1.0
        self._counted_at = 0.0
        self._paused_until = -inf
        """The end of the pause that the provider asked for; no answer ends it sooner."""
        self._probe_at = -inf
        self._failures = 0

    @property
    def probing(self) -> bool:
        """Whether the provider counts as down and is probed with single pushes."""
        return self._failures >= FAILURES_MAX

    def rate(self, now: float) -> float:
        """Pushes a second, apart from pauses."""
        recovered = self._rate_max * max(0.0, now - self._halved_at) / RECOVER_S
        ramped = (now - self._ramp_from) / self._ramp_s if self._ramp_s else 1.0
        return min(self._rate_max, self._ceiling + recovered) * min(max(ramped, FLOOR), 1.0)

    def allowed(self, now: float) -> int:
        """How many pushes may begin now."""
        if not self._started:
            self._started = True
            self._ramp(now)
        if now < self._paused_until:
            return 0
        if self.probing:
            return int(now >= self._probe_at)
        rate = self.rate(now)
        gained = rate * max(0.0, now - self._counted_at)
        self._tokens = min(self._tokens + gained, max(1.0, rate * BURST_S))
        self._counted_at = max(now, self._counted_at)
        return int(self._tokens)

    def began(self, now: float, pushes: int) -> None:
        self._tokens -= pushes
        if self.probing and pushes:
            self._probe_at = now + PROBE_S

    def ready_in(self, now: float) -> float:
        """Seconds until `allowed` may not be 0: to be asked again then."""
        if now < self._paused_until:
            return self._paused_until - now
        if self.probing:
            return max(0.0, self._probe_at - now)
        return min(max(0.0, (1.0 - self._tokens) / self.rate(now)), LOOK_AGAIN_S)

    def pause(self, now: float, wait_s: float) -> None:
        """Allow no push for `wait_s`, then ramp up."""
        self._paused_until = max(self._paused_until, now + wait_s)
        self._ramp(self._paused_until)

    def halve(self, now: float, wait_s: float) -> None:
        """The quota is used up: halve the rate, once for all pushes that are refused together."""
        if now >= self._paused_until:
            self._ceiling = self.rate(now) / 2
            self._halved_at = now + wait_s
        self.pause(now, wait_s)

    def answered(self, now: float) -> None:
        """The provider answered, whatever the answer."""
        if self.probing:
            self._ramp(max(now, self._paused_until))
        self._failures = 0

    def unanswered(self, now: float) -> None:
        """The provider is unavailable or did not answer."""
        self._failures += 1
        if self._failures == FAILURES_MAX:
            self._probe_at = now + PROBE_S

    def _ramp(self, start: float) -> None:
        self._ramp_from = self._counted_at = start
        self._tokens = max(1.0, self.rate(start) * BURST_S)
