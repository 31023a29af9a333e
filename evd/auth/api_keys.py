"""API keys and their roles. Who owns a vehicle is in the store.

A key is `evd_<role>_<id>_<secret>_<checksum>`; only the SHA-256 of the whole text is stored. An imported key (`evd key
import`) has no such form: its id is the beginning of its hash.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from evd.auth.access_tokens import PREFIX, AccessToken
from evd.auth.guess_limit import GuessLimit
from evd.auth.secret_texts import digest_of, id_in, is_well_formed, new_secret_text
from evd.errors import BadRequest, Forbidden, TooManyRequests, Unauthorized
from evd.net.addresses import network_of

ROLES = ("sigfox", "device", "app", "admin")
KEY_MAX_CHARACTERS = 256
IMPORTED_MIN_CHARACTERS = 20
"""The minimum of AWS API Gateway, which made the original's keys; shorter ones could be guessed."""

_NO_DIGEST = bytes(32)


class Key(NamedTuple):
    """A key as it is stored; `vehicle`, in normal form, is the only vehicle that it may post for, if any.

    `role` is one role, or several in the order of ROLES with commas between them.
    """

    key_id: str
    role: str
    digest: bytes
    vehicle: str | None = None
    vehicles: frozenset[str] | None = None
    """The vehicles that an access token may post for; None: it is a key."""

    @property
    def only(self) -> frozenset[str] | None:
        """The only vehicles that it may post for; None: for any."""
        return self.vehicles if self.vehicle is None else frozenset({self.vehicle})

    def may(self, roles: frozenset[str]) -> bool:
        """Whether one of its roles is one of these."""
        return self.role in roles or not roles.isdisjoint(self.role.split(","))


def new_key(role: str) -> tuple[str, Key]:
    """A new key: the text, which is shown once, and what is stored of it."""
    text = new_secret_text(role)
    return text, Key(key_id(text), role, digest_of(text))


def joined_roles(given: Iterable[str]) -> str:
    """Roles as a key holds them; each of `given` may name several, with commas. Raises BadRequest.

    An administrator's key has no other role: a key that every phone has in its app must not administrate.
    """
    wanted = {role for one in given for role in one.split(",")}
    if unknown := sorted(wanted.difference(ROLES)):
        raise BadRequest(f"there is no role {unknown[0][:40]!r}: use one of {', '.join(ROLES)}")
    if "admin" in wanted and len(wanted) > 1:
        raise BadRequest("the role admin cannot be combined with others: give the administrator a separate key")
    return ",".join(role for role in ROLES if role in wanted)


def imported_key(role: str, text: str) -> Key:
    """What is stored of a key that a client already has. Raises BadRequest, whose text does not quote the key."""
    if not IMPORTED_MIN_CHARACTERS <= len(text) <= KEY_MAX_CHARACTERS or not text.isascii() or not text.isprintable():
        raise BadRequest(
            f"the key must have {IMPORTED_MIN_CHARACTERS} to {KEY_MAX_CHARACTERS} printable ASCII characters"
        )
    if text.startswith("evd_") and not _well_formed(text):
        raise BadRequest("the key looks like one of evd's, but its checksum is wrong: copy it again")
    return Key(key_id(text), role, digest_of(text))


def key_id(text: str) -> str:
    """The name of a key in lists and in the daemon's log; not secret."""
    if _well_formed(text):
        return id_in(text)
    return _imported_id(digest_of(text))


def _imported_id(digest: bytes) -> str:
    return "i" + digest.hex()[:15]


TOKEN_ROLE = "token"  # noqa: S105  # a name
"""Of an access token that may not post; no key has it."""

_NO_INGEST = "this access token may not do this: with the scope ingest it may post over WLAN for its vehicles"

PROVEN_MAX = 256
"""Texts of valid keys that are cached, so that a callback's key is not hashed each time."""

PROVEN_FROM_MAX = 4096
"""Imported keys that are cached, each with the address that sent it; the oldest are forgotten first."""


class KeyRing:
    """The valid keys, in memory.

    An address that sends too many wrong keys has to wait. Two kinds of key are checked all the same: evd's own, which
    cannot be guessed, and a key that was valid from there before. So neither a guesser behind the same proxy nor a
    wrong template at Sigfox locks out the others.
    """

    def __init__(self, keys: list[Key]) -> None:
        self._keys = {key.key_id: key for key in keys}
        self._proven: dict[bytes, Key] = {}  # by the value of x-api-key; valid keys only
        self._proven_from: dict[tuple[str, str], Key] = {}
        self._guesses: GuessLimit | None = None
        self._token_of: Callable[[str], AccessToken] | None = None

    def limit(self, guesses: GuessLimit) -> None:
        """Count wrong keys by the network that they come from."""
        self._guesses = guesses

    def accept_tokens(self, token_of: Callable[[str], AccessToken]) -> None:
        """Take access tokens for keys, too; `token_of` gives the token of a text, or raises Unauthorized."""
        self._token_of = token_of

    def add(self, key: Key) -> None:
        self._keys[key.key_id] = key
        self._forget(key.key_id)

    def remove(self, key_id: str) -> None:
        """The key is no longer valid."""
        self._keys.pop(key_id, None)
        self._forget(key_id)

    def _forget(self, key_id: str) -> None:
        self._proven.clear()
        for shown in [shown for shown, key in self._proven_from.items() if key.key_id == key_id]:
            del self._proven_from[shown]

    def find(self, headers: Mapping[bytes, bytes], peer: str = "", *, counts: bool = True) -> Key:
        """The key of a request: `x-api-key`, a Bearer that is no ID token, or the password of Basic.

        `peer` is the client's address, "" for the control socket. Raises Unauthorized, TooManyRequests.
        """
        shown = headers.get(b"x-api-key", b"")
        proven = self._proven.get(shown)
        if proven is not None:
            return proven
        text = _shown_key(headers)
        if text is None:
            raise Unauthorized("a key is needed: send it in the header x-api-key")
        if self._token_of is not None and text.startswith(PREFIX):
            return _key_for(self._token_of(text))
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
            raise Unauthorized("the key is unknown or revoked")
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
        """The same, but None if there is no valid key, which does not count as a guess yet."""
        try:
            return self.find(headers, peer, counts=False)
        except (Unauthorized, TooManyRequests):
            return None

    def _look_up(self, text: str) -> Key | None:
        # Compared in constant time, with a dummy if there is no such id: the response time reveals nothing of a key.
        digest = digest_of(text)
        parts = text.split("_", 3)  # of evd's own key the id; the checksum serves to recognize typing errors
        found = self._keys.get(parts[2]) if len(parts) == 4 else None
        if found is None:
            found = self._keys.get(_imported_id(digest))
        return found if hmac.compare_digest(found.digest if found else _NO_DIGEST, digest) else None

    def require(self, headers: Mapping[bytes, bytes], roles: frozenset[str], peer: str = "") -> Key:
        """The key of a request, if one of its roles is in `roles`. Raises Unauthorized, TooManyRequests, Forbidden."""
        key = self.find(headers, peer)
        if not key.may(roles):
            if key.role == TOKEN_ROLE or key.vehicles is not None:
                raise Forbidden(_NO_INGEST)
            raise Forbidden(f"a key of role {key.role} may not do this: one of {', '.join(sorted(roles))} is needed")
        return key


def _key_for(token: AccessToken) -> Key:
    """What an access token may do on the routes that take keys: with the scope ingest as a vehicle's own key."""
    role = "device" if "ingest" in token.scopes else TOKEN_ROLE
    return Key(token.token_id, role, token.digest, None, token.posts_for)


def foreign_vehicle(only: frozenset[str]) -> Forbidden:
    """The refusal of a key that is bound to these vehicles and was used for another one."""
    if len(only) == 1:
        return Forbidden(f"this key speaks for vehicle {next(iter(only))} only")
    return Forbidden(f"this access token speaks for {len(only)} vehicles only, and this is none of them")


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
    return is_well_formed(text, ROLES)
