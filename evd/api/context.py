"""What the routes need of the daemon, and the authentication of a request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import msgspec
from quart import Quart, current_app, request

from evd.auth.api_keys import Key, id_token
from evd.clock import Clock
from evd.concurrency.current_requester import current_requester, of_user
from evd.concurrency.fair_queue import FairQueue
from evd.config.settings import Config
from evd.errors import Forbidden, Unauthorized, Unavailable
from evd.ingest.cache import IngestCache
from evd.ingest.service import Ingest
from evd.model.daemon_state import DaemonState, PushState
from evd.model.operations import Renew
from evd.payload.formats import Formats
from evd.push.presence import RecentUsers
from evd.store.queries import Queries
from evd.store.writer import Writer
from evd.streaming.hub import StreamHub


class TokenVerifier(Protocol):
    async def uid(self, token: str) -> str:
        """The user a Firebase ID token stands for. Raises Unauthorized, Unavailable."""
        ...


class NoTokens:
    """Refuses every ID token: no Firebase project is configured."""

    async def uid(self, token: str) -> str:
        raise Unauthorized("ID tokens are not accepted here: set app.firebase_project")


class PushControl(Protocol):
    """What the operator may do with pushes, if evd sends any."""

    async def test(self, vehicle: str) -> list[dict[str, Any]]:
        """Send the vehicle's last status, or a test status, to each of its phones at once; returns the answers.

        Each has `token` (its first characters), `kind`, `taken`, `said` (the message id, or the reason), `ms` until the
        answer; empty if no phone is registered.
        """
        ...

    def pause(self, paused: bool) -> None:
        """Stop starting pushes, or resume; at once."""
        ...

    def state(self) -> PushState:
        """For /readyz and statistics."""
        ...


class Context(msgspec.Struct, frozen=True):
    """The daemon as the routes see it."""

    config: Config
    writer: Writer
    directory: IngestCache
    formats: Formats
    ingest: Ingest
    queries: Queries
    live: StreamHub
    tokens: TokenVerifier
    clock: Clock
    state: Callable[[], DaemonState]
    ranges: FairQueue[int]
    """Places for ranges that are longer than a page."""
    lists: FairQueue[int]
    """Places for pages of lists."""
    pushes: PushControl | None = None
    """None if evd sends no pushes: no provider is configured, or it runs for one command only."""
    presence: RecentUsers = msgspec.field(default_factory=RecentUsers)
    """Which users sent a request lately."""


def attach(app: Quart, context: Context) -> None:
    app.extensions["evd"] = context


def here() -> Context:
    context: Context = current_app.extensions["evd"]
    return context


def request_headers() -> dict[bytes, bytes]:
    """The request's headers in the form that the edge uses."""
    return joined_headers(request.scope)


def joined_headers(scope: Any) -> dict[bytes, bytes]:
    """Lower-case names; the values of a repeated header are joined."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        joined = b"; " if name == b"cookie" else b", "
        headers[name] = headers[name] + joined + value if name in headers else value
    return headers


async def request_body() -> bytes:
    """The whole body; the guard and quart bound its size and its time."""
    body = await request.get_data()
    return body if isinstance(body, bytes) else body.encode()


def require_key(*roles: str) -> Key:
    """The request's key, if it has one of these roles. Raises Unauthorized, Forbidden."""
    key = here().directory.keys.require(request_headers(), frozenset(roles), client_address())
    current_requester.set(f"key {key.key_id}")
    return key


def client_address() -> str:
    """The client's address, also behind a trusted proxy; "" for the control socket."""
    return "" if is_local() else request.remote_addr or ""


def is_local() -> bool:
    """Whether the request came by the control socket, where file permissions replace the key."""
    return bool(request.scope.get("state", {}).get("local"))


def require_admin() -> None:
    if not is_local():
        require_key("admin")


async def require_owner(vehicle: str) -> str:
    """The uid of the requesting user, who must own the vehicle. Raises Unauthorized, Forbidden, Unavailable."""
    uid = await _identified()
    if not await here().queries.owns(uid, vehicle):
        raise Forbidden(f"this user does not own vehicle {vehicle}: `evd owner add` makes the user an owner")
    _note(uid)
    return uid


async def require_user() -> str:
    """The uid of the user behind an app's request. Raises Unauthorized, Unavailable."""
    uid = await _identified()
    _note(uid)
    return uid


def _note(uid: str) -> None:
    """Renew the user's registrations; the request does not wait for this write, and does not fail with it."""
    context = here()
    now = context.clock()
    if context.presence.is_news(uid, now):
        with suppress(Unavailable):
            context.writer.submit(Renew(uid, now))


async def _identified() -> str:
    """Raises Unauthorized, Unavailable.

    The bare userId header, which anyone can set, counts only with `app.trust_user_header`.
    """
    uid = await _uid()
    current_requester.set(of_user(uid))
    return uid


async def _uid() -> str:
    context = here()
    headers = request_headers()
    token = id_token(headers)
    if token is not None:
        return await context.tokens.uid(token)
    if context.config.app.trust_user_header and headers.get(b"userid"):
        return headers[b"userid"].decode("latin-1")
    raise Unauthorized("the request names no user: send a Firebase ID token: Authorization: Bearer …")
