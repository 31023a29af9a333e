"""FCM's limits for one Android device: 240 messages a minute, 5,000 an hour (Firebase, "FCM throttling and quotas",
firebase.google.com/docs/cloud-messaging/throttling-and-quotas)."""

from __future__ import annotations

GAP_S = 0.75
"""Seconds between two messages in the long run: 4,800 an hour."""

BURST = 150
"""Messages at once: with the 80 of the following minute they are 230."""

KEPT_MAX = 65_536
"""Devices that are remembered; one without a message for a while need not be."""


class DeviceLimits:
    """Limits messages by their token, with the generic cell rate algorithm, which keeps one time for each device."""

    def __init__(self) -> None:
        self._busy_until: dict[str, float] = {}
        self._sweep_at = KEPT_MAX // 8

    def wait_s(self, token: str, now: float) -> float:
        """Seconds until the device may be sent another message; 0 if it may now, and the message is then counted."""
        busy_until = max(self._busy_until.get(token, now), now)
        wait_s = busy_until - now - (BURST - 1) * GAP_S
        if wait_s > 0:
            return wait_s
        self._busy_until[token] = busy_until + GAP_S
        if len(self._busy_until) > self._sweep_at:
            self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        self._busy_until = {token: until for token, until in self._busy_until.items() if until > now}
        while len(self._busy_until) > KEPT_MAX:
            del self._busy_until[next(iter(self._busy_until))]
        self._sweep_at = min(2 * len(self._busy_until) + KEPT_MAX // 8, KEPT_MAX)
