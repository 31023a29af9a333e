"""What the routes need of the daemon, and the authentication of a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

import msgspec
from quart import Quart, current_app, g, request

from evd.api.authentication import Asked, Proofs, TokenVerifier, identified
from evd.auth.access import AccessRow, row_of
from evd.auth.caller import Caller
from evd.auth.identities import Identities
from evd.auth.invitations import CodeGuesses
from evd.auth.password_guesses import PasswordGuesses
from evd.auth.passwords import Passwords
from evd.auth.sign_in_links import SignInLinks
from evd.clock import Clock, steady_ms
from evd.concurrency.current_requester import current_requester, of_user
from evd.concurrency.fair_queue import FairQueue
from evd.config.in_force import SettingsInForce
from evd.config.settings import Config
from evd.errors import Forbidden, NotFound, RequestError, Unavailable
from evd.images.library import ImageLibrary
from evd.ingest.cache import IngestCache
from evd.ingest.service import Ingest
from evd.model.daemon_state import DaemonState, PushState, Reloaded
from evd.model.operations import Renew
from evd.model.place_privacy import PlacePrivacy
from evd.model.self_history import SelfHistory
from evd.model.status import vehicle_id
from evd.payload.formats import Formats
from evd.push.presence import RecentUsers
from evd.store.queries import Queries
from evd.store.writer import Writer
from evd.streaming.hub import StreamHub


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
    identities: Identities
    passwords: Passwords
    guesses: PasswordGuesses
    tokens: TokenVerifier
    clock: Clock
    state: Callable[[], DaemonState]
    places: PlacePrivacy
    images: ImageLibrary
    reload: Callable[[], Awaitable[Reloaded]]
    """Raises EvdError if nothing can be reloaded: then nothing has changed."""
    ranges: FairQueue[int]
    """Places for ranges that are longer than a page."""
    lists: FairQueue[int]
    """Places for pages of lists."""
    pushes: PushControl | None = None
    """None if evd sends no pushes: no provider is configured, or it runs for one command only."""
    presence: RecentUsers = msgspec.field(default_factory=RecentUsers)
    """Which users sent a request lately."""
    links: SignInLinks = msgspec.field(default_factory=SignInLinks)
    """One-time sign-in links."""
    in_force: SettingsInForce = msgspec.field(default_factory=lambda: SettingsInForce(Config(), {}))
    """The settings that hold, with their origins."""
    history: SelfHistory = msgspec.field(default_factory=lambda: SelfHistory(1))
    """What evd measured of itself."""
    demo: bool = False
    """Whether it is `evd demo` that runs it."""
    code_guesses: CodeGuesses = msgspec.field(default_factory=lambda: CodeGuesses(steady_ms))
    """Wrong codes of invitations."""


def attach(app: Quart, context: Context) -> None:
    app.extensions["evd"] = context


def here() -> Context:
    context: Context = current_app.extensions["evd"]
    return context


def vehicle_named(given: str) -> str:
    """The normal form of a vehicle's id; of one that was merged, that of the vehicle which it is now."""
    vehicle = vehicle_id(given)
    return here().directory.aliases.get(vehicle, vehicle)


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


def client_address() -> str:
    """The client's address, also behind a trusted proxy; "" for the control socket."""
    return "" if is_local() else request.remote_addr or ""


def is_local() -> bool:
    """Whether the request came by the control socket, where file permissions replace the key."""
    return bool(request.scope.get("state", {}).get("local"))


def is_secure() -> bool:
    """Whether the request came over TLS, to evd or to a trusted proxy."""
    return request.scheme == "https"


async def caller() -> Caller:
    """Who sent this request, checked against its route's row of ACCESS.

    Raises Unauthorized, Forbidden, TooManyRequests, Unavailable.
    """
    known: Caller | None = g.get("caller")
    if known is None:
        context = here()
        asked = Asked(asked_row(), request_headers(), client_address(), is_local(), is_secure())
        config = context.config
        proofs = Proofs(
            *(context.directory.keys, context.identities, context.tokens),
            trusts_header=config.app.trust_user_header,
            origins=config.server.cors_origins,
        )
        known = g.caller = await identified(asked, proofs)
        set_requester(known)
        if asked.row.relation == "user":
            _note(known)
    return known


async def admitted(vehicle: str) -> Caller:
    """Who sent this request, with the relation to the vehicle (in normal form) that the route's row asks for.

    On /api/v1 a foreign vehicle is answered as an absent one. Raises as `caller`, and NotFound or Forbidden.
    """
    asking, row = await caller(), asked_row()
    if asking.limited and not await _is_good_for(asking, vehicle):
        raise _foreign(vehicle)
    if asking.admin and row.admin:
        return asking
    relation = None if asking.uid is None else await here().queries.relation(asking.uid, vehicle)
    if relation is None:
        raise _foreign(vehicle)
    if relation == "viewer" and row.relation == "owner":
        raise Forbidden(f"vehicle {vehicle} is shared with you to look at: only an owner may do this")
    _note(asking)
    return asking


async def _is_good_for(asking: Caller, vehicle: str) -> bool:
    """Whether the caller's access token is good for the vehicle."""
    if vehicle in (asking.vehicles or ()):
        return True
    return bool(asking.tags) and not asking.tags.isdisjoint(await here().queries.tags_of(vehicle))


def asked_row() -> AccessRow:
    """The row of this request's route."""
    assert request.url_rule is not None
    row = row_of(request.method, request.url_rule.rule)
    assert row is not None, "evd does not start with a route that has no row"
    return row


def _foreign(vehicle: str) -> RequestError:
    if request.path.startswith("/api/"):
        return NotFound(f"you own no vehicle {vehicle}")
    return Forbidden(f"this user does not own vehicle {vehicle}: `evd owner add` makes the user an owner")


def set_requester(asking: Caller) -> None:
    """Whom this task reads for."""
    if asking.uid is not None:
        current_requester.set(of_user(asking.uid))
    elif asking.key is not None:
        current_requester.set(f"key {asking.key.key_id}")


def _note(asking: Caller) -> None:
    """Renew a user's registrations; the request does not wait for this write, and does not fail with it."""
    if asking.uid is None:
        return
    context = here()
    now = context.clock()
    if context.presence.is_news(asking.uid, now):
        with suppress(Unavailable):
            context.writer.submit(Renew(asking.uid, now))
