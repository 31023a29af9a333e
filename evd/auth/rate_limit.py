"""How many requests a user or a key may send: some at once, and then so many a second.

The generic cell rate algorithm (ITU-T I.371): of each requester only the time is kept at which its whole quota is free
again. Times are ms of a monotonic clock, which is an argument.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from evd.clock import Clock

REQUESTERS_MAX = 16_384
"""Requesters that are counted, some 150 bytes each; the one that asked the longest ago is forgotten first."""


class Quota(NamedTuple):
    """`at_once` requests, and `per_s` a second after that."""

    at_once: int
    per_s: float

    @property
    def window_s(self) -> int:
        """Seconds in which the whole quota becomes free again."""
        return max(1, math.ceil(self.at_once / self.per_s))


class QuotaUse(NamedTuple):
    """What is left of a requester's quota after a request. `wait_s` is 0 if the request is let in."""

    quota: Quota
    remaining: int
    full_in_s: int
    """Seconds until the whole quota is free again."""
    wait_s: int
    """Seconds until the next request is let in."""


class RateLimit:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def take(self, requester: str, quota: Quota) -> QuotaUse:
        """Count a request, unless it is one too many: a requester that goes on asking does not wait the longer."""
        now, each_ms = self._clock(), 1000 / quota.per_s
        room_ms = quota.at_once * each_ms
        busy_ms = max(self._full_at.pop(requester, now) - now, 0.0) + each_ms
        wait_ms = busy_ms - room_ms
        if wait_ms > 0:
            busy_ms -= each_ms
        self._full_at[requester] = now + busy_ms
        if len(self._full_at) > REQUESTERS_MAX:
            del self._full_at[next(iter(self._full_at))]
        remaining = int((room_ms - busy_ms) / each_ms + 1e-9)
        return QuotaUse(quota, remaining, math.ceil(busy_ms / 1000), max(0, math.ceil(wait_ms / 1000)))
