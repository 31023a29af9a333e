"""How many wrong passwords may be tried: for a user from an address, from an address, and for a user from everywhere.

An attempt is counted before its password is checked, so that many at once do not slip through; a right one is taken
back. The last limit would let strangers lock a user out, so it does not hold for an address from which that user signed
in before. The clock is an argument.
"""

from __future__ import annotations

from collections import OrderedDict

from evd.auth.guess_limit import ADDRESSES_MAX, GuessLimit
from evd.clock import Clock
from evd.errors import TooManyRequests
from evd.net.addresses import network_of

PAIR_AT_ONCE, PAIR_PER_S = 10, 1 / 30
"""Of one user from one address: typing errors, then 120 an hour."""

ADDRESS_AT_ONCE, ADDRESS_PER_S = 30, 1 / 6
"""From one address for all users: an office behind one address, then the ten a minute of OWASP's examples."""

USER_AT_ONCE, USER_PER_S = 100, 1 / 10
"""For one user from all addresses: then 8,640 a day, against a password of at least ten characters."""


class PasswordGuesses:
    def __init__(self, clock: Clock) -> None:
        """`clock` returns ms of a monotonic clock."""
        self._pairs = GuessLimit(clock, at_once=PAIR_AT_ONCE, per_s=PAIR_PER_S)
        self._addresses = GuessLimit(clock, at_once=ADDRESS_AT_ONCE, per_s=ADDRESS_PER_S)
        self._users = GuessLimit(clock, at_once=USER_AT_ONCE, per_s=USER_PER_S)
        self._familiar: OrderedDict[str, None] = OrderedDict()

    def attempt(self, uid: str, peer: str) -> None:
        """Count an attempt; `peer` is the client's address, "" for the control socket. Raises TooManyRequests."""
        limited = self._limits(uid, peer)
        if wait_s := max(limit.wait_s(name) for limit, name in limited):
            raise TooManyRequests("too many wrong passwords were tried: wait", retry_after_s=wait_s)
        for limit, name in limited:
            limit.wrong(name)

    def unchecked(self, uid: str, peer: str) -> None:
        """The attempt's password was not checked after all: take it back."""
        for limit, name in self._limits(uid, peer):
            limit.right(name)

    def right(self, uid: str, peer: str) -> None:
        """The attempt's password was right."""
        self.unchecked(uid, peer)
        pair = _pair(uid, peer)
        self._familiar[pair] = None
        self._familiar.move_to_end(pair)
        if len(self._familiar) > ADDRESSES_MAX:
            self._familiar.popitem(last=False)

    def _limits(self, uid: str, peer: str) -> list[tuple[GuessLimit, str]]:
        pair = _pair(uid, peer)
        limits = [(self._pairs, pair)]
        if pair not in self._familiar:
            limits.append((self._users, uid))
        if peer:
            limits.append((self._addresses, network_of(peer)))
        return limits


def _pair(uid: str, peer: str) -> str:
    return f"{network_of(peer)} {uid}"
