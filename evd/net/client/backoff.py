"""When a push is retried (Firebase documentation, "Best practices when sending FCM messages at scale")."""

from __future__ import annotations

FIRST_S = 10.0
"""FCM: wait at least 10 s before any retry."""

LONGEST_S = 600.0

SPREAD = 0.5
"""A random part of the shortest wait is added: a thousand pushes that failed together must not return together."""

DUE_MAX_MS = int(3600 * (1 + SPREAD) * 1000) + 60_000
"""The longest delay: a due time that is further off was written by a clock that has been set back since."""


def delay_s(attempts: int, asked_s: float, chance: float) -> float:
    """Seconds until the next attempt after `attempts` earlier ones; never sooner than the provider asked.

    The first retry is after 10 s; later ones are in the second half of an interval that doubles, 10 min at most.
    `chance` is in [0, 1).
    """
    latest = min(FIRST_S * 2.0 ** min(attempts, 16), LONGEST_S)
    return max(max(asked_s, FIRST_S) * (1.0 + SPREAD * chance), latest * (1.0 + chance) / 2)
