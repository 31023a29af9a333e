"""Codes of invitations: a user who accepts one becomes an owner or a viewer of a vehicle, once, until it expires.

A code is one of evd's secret texts (evd.auth.secret_texts), of which the SHA-256 is stored. A code that an
administrator makes is a claim code: whoever accepts it owns the vehicle.
"""

from __future__ import annotations

from typing import NamedTuple

from evd.auth.guess_limit import GuessLimit
from evd.auth.secret_texts import digest_of, id_in, is_well_formed, new_secret_text
from evd.clock import Clock
from evd.errors import TooManyRequests
from evd.net.addresses import network_of

KIND = frozenset({"invitation"})

GUESSES_AT_ONCE, GUESSES_PER_S = 20, 1 / 30
"""Wrong codes of a user: expired ones and typing errors, then 120 an hour, of 2^256 codes."""

ADDRESS_AT_ONCE, ADDRESS_PER_S = 100, 1 / 6
"""From one address for all users: a family, or an office behind one address."""


class Code(NamedTuple):
    """The id and the digest of a code; `text` is shown once."""

    text: str
    invitation_id: str
    digest: bytes


def new_code() -> Code:
    return _code(new_secret_text("invitation"))


def code_of(text: str) -> Code | None:
    """The code of this text; None if it has not the form of one, or was mistyped."""
    text = text.strip()
    return _code(text) if is_well_formed(text, KIND) else None


def _code(text: str) -> Code:
    return Code(text, id_in(text), digest_of(text))


class CodeGuesses:
    """How many wrong codes a user may send, and an address. `clock` returns ms of a monotonic clock."""

    def __init__(self, clock: Clock) -> None:
        self._users = GuessLimit(clock, at_once=GUESSES_AT_ONCE, per_s=GUESSES_PER_S)
        self._addresses = GuessLimit(clock, at_once=ADDRESS_AT_ONCE, per_s=ADDRESS_PER_S)

    def attempt(self, uid: str, peer: str) -> None:
        """Count an attempt before it is checked. Raises TooManyRequests."""
        limits = self._limits(uid, peer)
        if wait_s := max(limit.wait_s(name) for limit, name in limits):
            raise TooManyRequests("too many wrong codes were tried: wait", retry_after_s=wait_s)
        for limit, name in limits:
            limit.wrong(name)

    def right(self, uid: str, peer: str) -> None:
        """The attempt's code was right."""
        for limit, name in self._limits(uid, peer):
            limit.right(name)

    def _limits(self, uid: str, peer: str) -> list[tuple[GuessLimit, str]]:
        of_address = [(self._addresses, network_of(peer))] if peer else []
        return [(self._users, uid), *of_address]
