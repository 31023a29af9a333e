"""Who is asking: API keys with their roles, and Firebase ID tokens. Whose vehicle it is stands in the store.

A key is `evd_<role>_<id>_<secret>_<checksum>`; only the SHA-256 of the whole text is stored. A key that a client brings
along (`evd key import`) has no such form: its id is the beginning of its hash.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import string
import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from evd.auth.guess_limit import GuessLimit
from evd.errors import BadRequest, Forbidden, TooManyRequests, Unauthorized
from evd.net.addresses import network_of

ROLES = ("sigfox", "device", "app", "admin")
KEY_MAX_CHARACTERS = 256
IMPORTED_MIN_CHARACTERS = 20
"""As AWS API Gateway has it, from where the original's keys come; shorter ones may be guessed."""

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_CHARACTERS = 43  # 256 bits: a random secret of this size needs no slow hash
_ID_CHARACTERS = 8
_NO_DIGEST = bytes(32)


class Key(NamedTuple):
    """A key as it is stored; `vehicle` is the one vehicle it may speak for, in normal form, if it is bound to one.

    `role` is one role, or several in the order of ROLES with commas between them.
    """

    key_id: str
    role: str
    digest: bytes
    vehicle: str | None = None

    def may(self, roles: frozenset[str]) -> bool:
        """Whether one of its roles is one of these."""
        return self.role in roles or not roles.isdisjoint(self.role.split(","))


def new_key(role: str) -> tuple[str, Key]:
    """A fresh key: the text, which is shown once, and what is kept of it."""
    body = f"evd_{role}_{_random(_ID_CHARACTERS)}_{_random(_SECRET_CHARACTERS)}"
    text = f"{body}_{_checksum(body)}"
    return text, Key(key_id(text), role, hashlib.sha256(text.encode()).digest())


def joined_roles(given: Iterable[str]) -> str:
    """Roles as a key holds them; each of `given` may be several itself. Raises BadRequest.

    An administrator's key holds no other: what every phone has in its app must not administrate.
    """
    wanted = {role for one in given for role in one.split(",")}
    if unknown := sorted(wanted.difference(ROLES)):
        raise BadRequest(f"there is no role {unknown[0][:40]!r}: use one of {', '.join(ROLES)}")
    if "admin" in wanted and len(wanted) > 1:
        raise BadRequest("the role admin stands alone: give the administrator a key of his own")
    return ",".join(role for role in ROLES if role in wanted)


def imported_key(role: str, text: str) -> Key:
    """What is kept of a key that a client has already. Raises BadRequest without quoting it."""
    if not IMPORTED_MIN_CHARACTERS <= len(text) <= KEY_MAX_CHARACTERS or not text.isascii() or not text.isprintable():
        raise BadRequest(
            f"the key must have {IMPORTED_MIN_CHARACTERS} to {KEY_MAX_CHARACTERS} printable ASCII characters"
        )
    if text.startswith("evd_") and not _well_formed(text):
        raise BadRequest("the key looks like one of evd's, but its checksum is wrong: copy it again")
    return Key(key_id(text), role, hashlib.sha256(text.encode()).digest())


def key_id(text: str) -> str:
    """What a key is called in lists and logs; not secret."""
    if _well_formed(text):
        return text.split("_")[2]
    return _imported_id(hashlib.sha256(text.encode()).digest())


def _imported_id(digest: bytes) -> str:
    return "i" + digest.hex()[:15]


PROVEN_MAX = 256
"""Texts that proved to be a living key, remembered so that a callback's key is not hashed anew each time."""

PROVEN_FROM_MAX = 4096
"""Likewise of keys that a client brought along, each with the address that showed it; the oldest make room."""


class KeyRing:
    """The living keys, in memory.

    An address that shows too many wrong keys is asked to wait. What cannot be guessed is looked at all the same, and
    what came from there before: a stranger behind a proxy, or a wrong template at Sigfox, is no harm to the others.
    """

    def __init__(self, keys: list[Key]) -> None:
        self._keys = {key.key_id: key for key in keys}
        self._proven: dict[bytes, Key] = {}  # what x-api-key held; a wrong key never gets in here
        self._proven_from: dict[tuple[str, str], Key] = {}
        self._guesses: GuessLimit | None = None

    def limit(self, guesses: GuessLimit) -> None:
        """From here on wrong keys are counted, by the network that they come from."""
        self._guesses = guesses

    def add(self, key: Key) -> None:
        self._keys[key.key_id] = key
        self._forget(key.key_id)

    def remove(self, key_id: str) -> None:
        """From here on it opens nothing."""
        self._keys.pop(key_id, None)
        self._forget(key_id)

    def _forget(self, key_id: str) -> None:
        self._proven.clear()
        for shown in [shown for shown, key in self._proven_from.items() if key.key_id == key_id]:
            del self._proven_from[shown]

    def find(self, headers: Mapping[bytes, bytes], peer: str = "", *, counts: bool = True) -> Key:
        """The key that a request shows: `x-api-key`, a Bearer that is no ID token, or Basic's password.

        `peer` is its client's address, "" for a local one. Raises Unauthorized, TooManyRequests.
        """
        shown = headers.get(b"x-api-key", b"")
        proven = self._proven.get(shown)
        if proven is not None:
            return proven
        text = _shown_key(headers)
        if text is None:
            raise Unauthorized("a key is needed: send it in the header x-api-key")
        network = network_of(peer)
        proven = self._proven_from.get((network, text))
        if proven is not None:
            return proven
        own = _well_formed(text)
        wait_s = self._guesses.wait_s(network) if self._guesses and network and not own else 0
        found = None if wait_s else self._look_up(text)
        if found is None:
            if self._guesses and network and counts:
                self._guesses.wrong(network)
            if wait_s:
                raise TooManyRequests("too many wrong keys came from this address: wait", retry_after_s=wait_s)
            raise Unauthorized("the key is not known, or was revoked")
        if not own:
            if len(self._proven_from) >= PROVEN_FROM_MAX:
                del self._proven_from[next(iter(self._proven_from))]
            self._proven_from[network, text] = found
        elif shown:
            if len(self._proven) >= PROVEN_MAX:
                self._proven.clear()
            self._proven[shown] = found
        return found

    def knows(self, headers: Mapping[bytes, bytes], peer: str = "") -> Key | None:
        """The same without a word: None where there is no good key, and that counts as no guess yet."""
        try:
            return self.find(headers, peer, counts=False)
        except (Unauthorized, TooManyRequests):
            return None

    def _look_up(self, text: str) -> Key | None:
        # Compared in constant time, with a dummy where there is no such id: an answer's time tells nothing of a key.
        digest = hashlib.sha256(text.encode()).digest()
        parts = text.split("_", 3)  # of a key of evd's own the id; its checksum is for people who mistype
        found = self._keys.get(parts[2]) if len(parts) == 4 else None
        if found is None:
            found = self._keys.get(_imported_id(digest))
        return found if hmac.compare_digest(found.digest if found else _NO_DIGEST, digest) else None

    def require(self, headers: Mapping[bytes, bytes], roles: frozenset[str], peer: str = "") -> Key:
        """The key of a request, if its role is one of `roles`. Raises Unauthorized, TooManyRequests, Forbidden."""
        key = self.find(headers, peer)
        if not key.may(roles):
            raise Forbidden(f"a key of role {key.role} may not do this: one of {', '.join(sorted(roles))} is needed")
        return key


def id_token(headers: Mapping[bytes, bytes]) -> str | None:
    """The Firebase ID token of a request: a Bearer with two dots."""
    bearer = _bearer(headers)
    return bearer if bearer is not None and bearer.count(".") == 2 else None


def _shown_key(headers: Mapping[bytes, bytes]) -> str | None:
    shown = headers.get(b"x-api-key")
    if shown:
        return shown.decode("latin-1")
    bearer = _bearer(headers)
    if bearer is not None:
        return None if bearer.count(".") == 2 else bearer
    scheme, _, credentials = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"basic":
        try:
            _, _, password = base64.b64decode(credentials, validate=True).decode("latin-1").partition(":")
        except binascii.Error:
            return None
        return password or None
    return None


def _bearer(headers: Mapping[bytes, bytes]) -> str | None:
    scheme, _, credentials = headers.get(b"authorization", b"").partition(b" ")
    return credentials.strip().decode("latin-1") if scheme.lower() == b"bearer" and credentials.strip() else None


def _well_formed(text: str) -> bool:
    parts = text.split("_")
    return (
        len(parts) == 5
        and parts[0] == "evd"
        and parts[1] in ROLES
        and len(parts[2]) == _ID_CHARACTERS
        and len(parts[3]) == _SECRET_CHARACTERS
        and hmac.compare_digest(parts[4].encode("utf-8"), _checksum("_".join(parts[:4])).encode())
    )


def _checksum(body: str) -> str:
    """CRC-32 in six base-62 digits: a mistyped key is told from a wrong one without a look into any table."""
    number, digits = zlib.crc32(body.encode("utf-8")), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits


def _random(characters: int) -> str:
    return "".join(secrets.choice(_BASE62) for _ in range(characters))
