"""The delay before a push or an alarm is sent again (Firebase, "Best practices when sending FCM messages at scale")."""

from __future__ import annotations

FIRST_S = 10.0
"""FCM: wait at least 10 s before any retry. It holds for every provider of pushes and for alarms."""

LONGEST_S = 600.0

SPREAD = 0.5
"""Random addition, as a part of the shortest wait, so that pushes that failed together are not retried together."""

DUE_MAX_MS = int(3600 * (1 + SPREAD) * 1000) + 60_000
"""The longest possible delay: a push that is due later was put off before the clock was set back."""


def delay_s(attempts: int, asked_s: float, chance: float) -> float:
    """Seconds until the next attempt after `attempts` earlier ones; not sooner than the provider asked.

    The first retry waits 10 s and more; later ones a random time in the second half of an interval that doubles up to
    10 min. `chance` is in [0, 1).
    """
    latest = min(FIRST_S * 2.0 ** min(attempts, 16), LONGEST_S)
    return max(max(asked_s, FIRST_S) * (1.0 + SPREAD * chance), latest * (1.0 + chance) / 2)
