"""How many wrong keys an address may send: enough for typing errors, too few to try all keys.

It limits guesses at imported keys, which may be short; evd's own keys have 256 bits. The clock is an argument.
"""

from __future__ import annotations

from evd.clock import Clock

AT_ONCE = 500
"""Wrong keys that an address may send before it has to wait: a minute of callbacks with a revoked key."""

PER_S = 5
"""Wrong keys a second after that: to try all keys of 8 characters would take a million years."""

ADDRESSES_MAX = 4096
"""Addresses that are counted; the one whose last wrong key is the oldest is forgotten first."""


class GuessLimit:
    def __init__(self, clock: Clock) -> None:
        """`clock` returns ms of a monotonic clock."""
        self._clock = clock
        self._spent: dict[str, tuple[float, int]] = {}  # address → guesses that still count, and the time of that count

    def wrong(self, address: str) -> None:
        """Count a wrong key."""
        spent = min(self._now_spent(address), AT_ONCE - 1) + 1
        self._spent.pop(address, None)
        self._spent[address] = (spent, self._clock())
        if len(self._spent) > ADDRESSES_MAX:
            del self._spent[next(iter(self._spent))]

    def wait_s(self, address: str) -> int:
        """Seconds until the next guess is checked; 0: at once."""
        over = self._now_spent(address) - (AT_ONCE - 1)
        return max(1, round(over / PER_S)) if over > 0 else 0

    def _now_spent(self, address: str) -> float:
        spent, at = self._spent.get(address, (0.0, 0))
        passed_s = max(self._clock() - at, 0) / 1000
        return max(spent - passed_s * PER_S, 0.0)
