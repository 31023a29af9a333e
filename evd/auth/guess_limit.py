"""How many wrong secrets an address may send, or be tried for a user: enough for typing errors, too few to try all.

The usual numbers limit guesses at imported keys, which may be short; evd's own keys have 256 bits. Passwords have
stricter ones (evd.auth.password_guesses). The clock is an argument.
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
    def __init__(self, clock: Clock, *, at_once: int = AT_ONCE, per_s: float = PER_S) -> None:
        """`clock` returns ms of a monotonic clock. `at_once` guesses are free, then `per_s` of them in a second."""
        self._clock = clock
        self._at_once = at_once
        self._per_s = per_s
        self._spent: dict[str, tuple[float, int]] = {}  # address → guesses that still count, and the time of that count

    def wrong(self, address: str) -> None:
        """Count a wrong secret."""
        self._set(address, min(self._now_spent(address), self._at_once - 1) + 1)

    def right(self, address: str) -> None:
        """Take one back: what was counted before it was checked was right."""
        if address in self._spent:
            self._set(address, max(self._now_spent(address) - 1, 0.0))

    def _set(self, address: str, spent: float) -> None:
        self._spent.pop(address, None)
        self._spent[address] = (spent, self._clock())
        if len(self._spent) > ADDRESSES_MAX:
            del self._spent[next(iter(self._spent))]

    def wait_s(self, address: str) -> int:
        """Seconds until the next guess is checked; 0: at once."""
        over = self._now_spent(address) - (self._at_once - 1)
        return max(1, round(over / self._per_s)) if over > 0 else 0

    def _now_spent(self, address: str) -> float:
        spent, at = self._spent.get(address, (0.0, 0))
        passed_s = max(self._clock() - at, 0) / 1000
        return max(spent - passed_s * self._per_s, 0.0)
