"""Personal access tokens: what a user gives a program, so that it may ask or post in the user's name.

A token is one of evd's secret texts (evd.auth.secret_texts), of which the SHA-256 is stored. It may do less than its
user: what its scopes say, for all of the user's vehicles or for some, until it expires. It never administers.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from evd.auth.secret_texts import digest_of, id_in, is_well_formed, new_secret_text
from evd.auth.sessions import SEEN_EVERY_MS
from evd.errors import BadRequest, Unauthorized

KIND = frozenset({"token"})
PREFIX = "evd_token_"

SCOPES = ("read", "write", "ingest")
"""read: ask; write: change something; ingest: post statuses over WLAN."""

VEHICLES_MAX = 1_000
"""Vehicles, and tags, that one token may name; all are held in memory."""


class AccessToken(NamedTuple):
    """A token as it is stored; times are epoch ms."""

    token_id: str
    uid: str
    digest: bytes
    scopes: frozenset[str]
    vehicles: frozenset[str] | None
    """The only vehicles that it is good for, in normal form, besides those with one of its tags; None: no limit."""
    tags: frozenset[str]
    expires: int | None
    used: int | None
    """Its last use, exact to an hour."""
    posts_for: frozenset[str] = frozenset()
    """With the scope ingest, those of `vehicles` that its user owns now."""


class PersonalTokens:
    """The tokens that were not revoked, in memory."""

    def __init__(self, tokens: Iterable[AccessToken]) -> None:
        self._tokens: dict[str, AccessToken] = {}
        self._posting: dict[str, set[str]] = {}
        """User → the ids of that user's tokens with the scope ingest: an import has thousands of owners."""
        for token in tokens:
            self.add(token)

    def find(self, text: str, now: int) -> AccessToken:
        """The token of this text. Raises Unauthorized."""
        token = self._tokens.get(id_in(text)) if is_well_formed(text, KIND) else None
        if token is None or not hmac.compare_digest(token.digest, digest_of(text)):
            raise Unauthorized("the access token is unknown or revoked: `evd token create` makes a new one")
        if token.expires is not None and now >= token.expires:
            raise Unauthorized("the access token has expired: `evd token create` makes a new one")
        return token

    def note_use(self, token: AccessToken, now: int) -> bool:
        """Whether this use is to be written; then it counts as the last one."""
        if token.used is not None and abs(now - token.used) < SEEN_EVERY_MS:
            return False
        self._tokens[token.token_id] = token._replace(used=now)
        return True

    def add(self, token: AccessToken) -> None:
        self._tokens[token.token_id] = token
        if "ingest" in token.scopes:
            self._posting.setdefault(token.uid, set()).add(token.token_id)

    def remove(self, token_ids: Iterable[str]) -> None:
        for token_id in token_ids:
            token = self._tokens.pop(token_id, None)
            if token is not None and token.uid in self._posting:
                self._posting[token.uid].discard(token_id)
                if not self._posting[token.uid]:
                    del self._posting[token.uid]

    def owner_changed(self, uid: str, vehicle: str, *, owns: bool) -> None:
        """A user became, or is no longer, an owner of a vehicle."""
        for token_id in self._posting.get(uid, ()):
            token = self._tokens[token_id]
            named = {vehicle} & (token.vehicles or frozenset())
            posts_for = token.posts_for | named if owns else token.posts_for - named
            self._tokens[token_id] = token._replace(posts_for=frozenset(posts_for))

    def vehicle_gone(self, vehicle: str, into: str | None) -> None:
        """A vehicle became the one named as `into`, which tokens that named it name now; or it was deleted."""
        for token in [token for token in self._tokens.values() if vehicle in (token.vehicles or ())]:
            vehicles, posts_for = (
                named - {vehicle} | ({into} if into is not None and vehicle in named else frozenset())
                for named in (token.vehicles or frozenset(), token.posts_for)
            )
            self._tokens[token.token_id] = token._replace(vehicles=vehicles, posts_for=posts_for)


def shown_token(headers: Mapping[bytes, bytes]) -> str | None:
    """The access token of a request, whether valid or not: as `Authorization: Bearer`, or as `x-api-key`."""
    scheme, _, credentials = headers.get(b"authorization", b"").partition(b" ")
    for shown in (credentials.strip() if scheme.lower() == b"bearer" else b"", headers.get(b"x-api-key", b"")):
        if shown.startswith(PREFIX.encode()):
            return shown.decode("latin-1")
    return None


def new_token() -> tuple[str, str, bytes]:
    """A new token's text, which is shown once, its id, and the digest that is stored."""
    text = new_secret_text("token")
    return text, id_in(text), digest_of(text)


def checked_scopes(given: Iterable[str]) -> frozenset[str]:
    """Scopes; each of `given` may name several, with commas. Raises BadRequest."""
    wanted = {scope.strip() for one in given for scope in one.split(",")} - {""}
    if unknown := sorted(wanted.difference(SCOPES)):
        raise BadRequest(f"there is no scope {unknown[0][:40]!r}: use some of {', '.join(SCOPES)}")
    if not wanted:
        raise BadRequest(f"the token has no scope: use some of {', '.join(SCOPES)}")
    return frozenset(wanted)


def require_ingest_vehicles(scopes: Collection[str], vehicles: Collection[str], tags: Collection[str]) -> None:
    """Raise BadRequest for a token that may post, but does not say for which vehicles."""
    if "ingest" in scopes and (tags or not vehicles):
        raise BadRequest("a token with the scope ingest names its vehicles, and no tags: name each of them")
