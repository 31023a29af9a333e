"""Who sent a request, by what it shows: the control socket, an access token, a session's cookie, a key, a key with a
user's identity.

Another means of proof is a function here and a row of MEANS.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import NamedTuple, Protocol, cast

from evd.auth.access import AccessRow
from evd.auth.api_keys import KeyRing, id_token
from evd.auth.caller import LOCAL, Caller, Means, Scope
from evd.auth.csrf import require_intent
from evd.auth.identities import Identities
from evd.errors import Forbidden, Unauthorized
from evd.model.user_id import UID_MAX


class TokenVerifier(Protocol):
    async def uid(self, token: str, *, unrevoked: bool = False) -> str:
        """The user a Firebase ID token stands for; with `unrevoked`, Firebase is asked if it was revoked.

        Raises Unauthorized, Unavailable.
        """
        ...

    async def run(self) -> None:
        """Keep fresh what tokens are checked with, until cancelled."""
        ...


class NoTokens:
    """Refuses every ID token: no Firebase project is configured."""

    async def uid(self, token: str, *, unrevoked: bool = False) -> str:
        raise Unauthorized("ID tokens are not accepted here: set app.firebase_project")

    async def run(self) -> None: ...


class Asked(NamedTuple):
    """A request, as far as it says who sent it."""

    row: AccessRow
    headers: Mapping[bytes, bytes]
    """Names in lower case."""
    peer: str
    """The client's address; "" for the control socket."""
    local: bool
    """Whether it came by the control socket, where file permissions replace the key."""
    secure: bool = False
    """Whether it came over TLS, to evd or to a trusted proxy."""


class Proofs(NamedTuple):
    """What proofs are checked against."""

    keys: KeyRing
    identities: Identities
    tokens: TokenVerifier
    trusts_header: bool
    """Whether the bare userId header counts, which anyone can set."""
    origins: Collection[str]
    """Other origins whose pages may use a session."""


async def identified(asked: Asked, proofs: Proofs) -> Caller:
    """Who sent the request, if the row lets them; whose the vehicle is, is not checked here.

    Raises Unauthorized, TooManyRequests, Forbidden, Unavailable.
    """
    for means in MEANS:
        found = await means(asked, proofs)
        if found is not None:
            return _checked(found, asked.row)
    raise Unauthorized("a key is needed: send it in the header x-api-key")


def _checked(found: Caller, row: AccessRow) -> Caller:
    if row.scope not in found.scopes:
        raise Forbidden(f"this access token lacks the scope {row.scope}: make one that has it")
    if found.limited and (row.relation == "admin" or (row.relation == "user" and not row.narrows)):
        raise Forbidden("this access token is for some vehicles only, and this is about more: make one without a limit")
    if row.person and found.means in ("token", "header"):
        raise Forbidden("this is for users who ask in person: a session or a Firebase ID token is needed")
    if found.admin:
        if not row.admin and found.uid is None:
            raise Forbidden("this is for users of the app only: an administrator is none")
    elif row.relation == "admin":
        raise Forbidden("only an administrator may do this")
    elif found.uid is None and row.relation != "key":
        raise Unauthorized(_NO_USER)
    return found


async def _by_socket(asked: Asked, proofs: Proofs) -> Caller | None:
    return LOCAL if asked.local else None


async def _by_token(asked: Asked, proofs: Proofs) -> Caller | None:
    """A personal access token needs no key beside it; where a key is asked for, it counts as a vehicle's own."""
    token = proofs.identities.token(asked.headers)
    if token is None:
        return None
    if asked.row.relation == "key" and "device" not in asked.row.roles:
        raise Forbidden("this access token may not do this: a key is needed")
    scopes = cast("frozenset[Scope]", token.scopes)
    return Caller(token.uid, False, "token", None, scopes, token.vehicles, token.tags, token.token_id)


async def _by_session(asked: Asked, proofs: Proofs) -> Caller | None:
    """A browser sends the cookie by itself, so a key or a token that was sent on purpose comes first."""
    if b"cookie" not in asked.headers or b"x-api-key" in asked.headers or asked.row.relation == "key":
        return None
    found = proofs.identities.session(asked.headers, secure=asked.secure)
    if found is None:
        return None
    session, cookie = found
    require_intent(asked.row.method, asked.headers, cookie, secure=asked.secure, origins=proofs.origins)
    return Caller(session.uid, session.admin, "session", proof=session.session_id)


async def _by_key(asked: Asked, proofs: Proofs) -> Caller:
    """A key is needed also beside a user's identity, on routes of the app."""
    key = proofs.keys.require(asked.headers, asked.row.key_roles, asked.peer)
    if key.role == "admin":
        return Caller(None, admin=True, means="key", key=key)
    if asked.row.relation == "key":
        return Caller(None, admin=False, means="key", key=key)
    uid, means = await _user(asked, proofs)
    return Caller(uid, admin=False, means=means, key=key)


async def _user(asked: Asked, proofs: Proofs) -> tuple[str, Means]:
    token = id_token(asked.headers)
    if token is not None:
        return await proofs.tokens.uid(token, unrevoked=asked.row.unrevoked), "firebase"
    if proofs.trusts_header and asked.headers.get(b"userid"):
        uid = asked.headers[b"userid"].decode("latin-1")
        if len(uid) > UID_MAX:  # requests are counted by it
            raise Unauthorized(f"the userId is too long: a user id has at most {UID_MAX} characters")
        return uid, "header"
    raise Unauthorized(_NO_USER)


_NO_USER = "the request names no user: sign in, or send an access token or a Firebase ID token: Authorization: Bearer …"

MEANS: tuple[Callable[[Asked, Proofs], Awaitable[Caller | None]], ...] = (_by_socket, _by_token, _by_session, _by_key)
"""In the order in which they are tried: the first that gives somebody counts."""
