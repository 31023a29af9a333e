"""How many wrong keys an address may show: enough for people who mistype, too few for a program that tries them all.

The clock is passed in. It bounds guesses at keys that were imported: those may be short, evd's own are 256 bits.
"""

from __future__ import annotations

from evd.clock import Clock

AT_ONCE = 500
"""Wrong keys that an address may show before it has to wait: a minute of callbacks with a key that was revoked."""

PER_S = 5
"""And from then on: 8 characters would take a million years."""

ADDRESSES_MAX = 4096
"""That are remembered; the one that was wrong longest ago makes room."""


class GuessLimit:
    def __init__(self, clock: Clock) -> None:
        """`clock` gives ms, of a clock that nobody sets."""
        self._clock = clock
        self._spent: dict[str, tuple[float, int]] = {}  # address → guesses that are not forgiven yet, and when that was

    def wrong(self, address: str) -> None:
        """A wrong key came from there."""
        spent = min(self._now_spent(address), AT_ONCE - 1) + 1
        self._spent.pop(address, None)
        self._spent[address] = (spent, self._clock())
        if len(self._spent) > ADDRESSES_MAX:
            del self._spent[next(iter(self._spent))]

    def wait_s(self, address: str) -> int:
        """For how long no guess is looked at; 0: one may come at once."""
        over = self._now_spent(address) - (AT_ONCE - 1)
        return max(1, round(over / PER_S)) if over > 0 else 0

    def _now_spent(self, address: str) -> float:
        spent, at = self._spent.get(address, (0.0, 0))
        passed_s = max(self._clock() - at, 0) / 1000
        return max(spent - passed_s * PER_S, 0.0)
