"""Passwords of local users: Argon2id with OWASP's parameters, computed in threads, a bounded number at once.

One computation takes some 50 ms of a core and 19 MiB, so requests that would have to wait long for it are refused.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable
from typing import TypeVar

import argon2
import trio

from evd.errors import BadRequest, Unavailable

T = TypeVar("T")

PASSWORD_MIN_CHARACTERS = 10
PASSWORD_MAX_BYTES = 1024

MEMORY_KIB, PASSES, LANES = 19_456, 2, 1
"""OWASP's "Password Storage Cheat Sheet": Argon2id with 19 MiB, two passes and one lane. A password that was hashed
with others is hashed again when its user signs in."""

WAITING_MAX = 16
"""Computations that wait for their turn: about a second of them, with two at once."""

_hasher = argon2.PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)


def checked_password(text: str) -> str:
    """A new password, as it is hashed. Raises BadRequest, whose sentence does not quote it."""
    normal = _normal(text)
    if len(normal) < PASSWORD_MIN_CHARACTERS:
        raise BadRequest(f"the password is too short: it needs at least {PASSWORD_MIN_CHARACTERS} characters")
    if len(normal.encode("utf-8", "surrogatepass")) > PASSWORD_MAX_BYTES:
        raise BadRequest(f"the password is too long: it may have at most {PASSWORD_MAX_BYTES} bytes")
    if not normal.isprintable():
        raise BadRequest("the password has control characters: use printable ones")
    return normal


class Passwords:
    """Computes hashes and compares with them; `at_once` computations run at a time."""

    def __init__(self, at_once: int) -> None:
        self._limiter = trio.CapacityLimiter(at_once)
        self._dummy: str | None = None

    async def hash(self, text: str) -> str:
        """The hash of a new password, in PHC's string format with its salt and its parameters.

        Raises BadRequest, Unavailable.
        """
        normal = checked_password(text)
        return await self._computed(_hashed, normal)

    async def is_right(self, kept: str | None, text: str) -> bool:
        """Whether the password is the one of the hash; with None, for a user who does not exist, it takes as long.

        Raises Unavailable.
        """
        normal = _normal(text)
        if len(normal.encode("utf-8", "surrogatepass")) > PASSWORD_MAX_BYTES:
            return False
        if self._dummy is None:
            self._dummy = await self._computed(_hashed, secrets.token_urlsafe())
        return await self._computed(_matches, kept or self._dummy, normal) and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash has other parameters than new ones, so that the password should be hashed again."""
        try:
            return _hasher.check_needs_rehash(kept)
        except argon2.exceptions.InvalidHashError:
            return False

    async def _computed(self, work: Callable[..., T], *given: str) -> T:
        if self._limiter.statistics().tasks_waiting >= WAITING_MAX:
            raise Unavailable("too many passwords are being checked: try again in a moment", retry_after_s=1)
        return await trio.to_thread.run_sync(work, *given, limiter=self._limiter)


def _normal(text: str) -> str:
    """NIST SP 800-63B: the same password, however a keyboard composes its characters."""
    return unicodedata.normalize("NFKC", text)


def _hashed(text: str) -> str:
    return _hasher.hash(text.encode("utf-8", "surrogatepass"))


def _matches(kept: str, text: str) -> bool:
    try:
        return _hasher.verify(kept, text.encode("utf-8", "surrogatepass"))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
