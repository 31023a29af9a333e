"""When a push is tried again (FCM's guide: reference reliability.md §2.4)."""

from __future__ import annotations

FIRST_S = 10.0
"""FCM: wait at least 10 s before any retry."""

LONGEST_S = 600.0
SPREAD = 0.2
"""Half the jitter: a thousand pushes that failed together must not come back together."""


def delay_s(attempts: int, asked_s: float, chance: float) -> float:
    """Seconds until the next attempt after `attempts` earlier ones; never sooner than the provider asked.

    `chance` lies in [0, 1).
    """
    wanted = max(asked_s, FIRST_S, min(FIRST_S * 2.0 ** min(attempts, 16), LONGEST_S))
    return wanted * (1.0 + 2 * SPREAD * chance)
