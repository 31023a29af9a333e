"""When a push is tried again (FCM's guide: reference reliability.md §2.4)."""

from __future__ import annotations

FIRST_S = 10.0
"""FCM: wait at least 10 s before any retry."""

LONGEST_S = 600.0

SPREAD = 0.5
"""Of the shortest wait, on top by chance: a thousand pushes that failed together must not come back together."""

DUE_MAX_MS = int(3600 * (1 + SPREAD) * 1000) + 60_000
"""Nothing is put off for longer: what is due later than that was written by a clock that has been set back since."""


def delay_s(attempts: int, asked_s: float, chance: float) -> float:
    """Seconds until the next attempt after `attempts` earlier ones; never sooner than the provider asked.

    The first is after 10 s; later ones in the second half of a time that doubles, 10 min at most. `chance` lies in
    [0, 1).
    """
    latest = min(FIRST_S * 2.0 ** min(attempts, 16), LONGEST_S)
    return max(max(asked_s, FIRST_S) * (1.0 + SPREAD * chance), latest * (1.0 + chance) / 2)
