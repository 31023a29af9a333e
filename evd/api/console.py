"""The console: its page at `/`, its files at `/assets`, and what a browser must know before anybody signs in.

The page has its first view's styles and scripts in it, and the first vehicles of whoever is signed in: one question,
and the fleet stands. With `web.enabled = false` all of it is answered as any unknown path: with the original's teapot.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import trio
from quart import Blueprint, Response, request

from evd.api import legacy
from evd.api.context import here, is_secure, request_headers, set_requester
from evd.api.described import described
from evd.api.fleet_rows import STALE_AFTER_MS, fleet_rows
from evd.api.pages import next_address
from evd.api.rates import count_request
from evd.api.replies import V1, v1_json
from evd.api.request_permits import hold_permit
from evd.auth.caller import Caller
from evd.auth.sessions import csrf_token
from evd.errors import NotFound, RequestError
from evd.store.vehicle_records import FleetSearch, first_key
from evd.web.assets import ADDRESS, Assets, WebFile, assets
from evd.web.page import ConsoleHtml

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing comes from another host, and no other page shows it in a frame. What stands in the page is named by hash."""

SECURITY = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

FIRST = 48
"""Vehicles in the page: a screen of cards and more, some 4 KiB when compressed. As FIRST of pages/fleet.js."""

IMMUTABLE = "public, max-age=31536000, immutable"
"""The address has the hash of the content."""

TILES_HOST = 3
"""Parts of the tiles' address, between slashes, that are its origin."""

routes = Blueprint("console", __name__)


class ConsoleSession(TypedDict):
    """As GET /api/v1/session has it."""

    uid: str
    admin: bool
    means: Literal["session"]
    csrf_token: str


class MapTiles(TypedDict):
    url: str
    """With {z}, {x} and {y}."""
    attribution: str


class ConsoleStart(TypedDict):
    """What the sign-in page shows depends on it."""

    first_run: bool
    """Whether there is no local user yet."""
    session: ConsoleSession | None
    """Of the request's cookie: who is signed in."""
    demo: bool
    """Whether `evd demo` runs it: its vehicles are simulated, its phones get nothing."""
    tiles: MapTiles | None
    """Of the map; null: none is configured."""


@routes.get("/")
@described(
    answer=str,
    media="text/html",
    headers={"Cache-Control": "no-store: it has what its reader may see."},
    also={418: "The console is off: `web.enabled = false`."},
)
async def index() -> Response:
    """The console's page, with all that its first view shows: for whoever is signed in, the first vehicles."""
    if not here().config.web.enabled:
        return await legacy.unserved()
    page = (await _assets()).page
    start, fleet = await _start(), await _first_fleet()
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Vary": "Accept-Encoding, Cookie",
        **SECURITY,
        "Content-Security-Policy": _page_policy(page),
    }
    if request.accept_encodings.quality("gzip") > 0:
        return Response(page.gzipped(fleet, start), 200, {**headers, "Content-Encoding": "gzip"})
    return Response(page.whole(fleet, start), 200, headers)


async def _first_fleet() -> dict[str, Any] | None:
    """What the fleet's page asks for first; None if nobody is signed in, or if this list must wait or be refused."""
    found = here().identities.session(request_headers(), secure=is_secure())
    if found is None:
        return None
    session, _ = found
    asking = Caller(session.uid, session.admin, "session", proof=session.session_id)
    set_requester(asking)
    search = FleetSearch(
        uid=asking.uid, everyones=asking.admin, order="attention", stale_before=here().clock() - STALE_AFTER_MS
    )
    app = here().config.app
    try:
        count_request(asking, app)
        await hold_permit(
            here().lists, f"{app.lists_per_user} of your lists, or {app.lists_max} of all, are being sent"
        )
        listing, rows = await fleet_rows(search, first_key(search.order), FIRST, asking, today=True)
    except RequestError:
        return None  # the page asks for it by itself, and shows what it is answered
    asked = [("sort", "attention"), ("today", "1"), ("limit", str(FIRST))]
    following = listing.following
    return {"rows": rows, "next": next_address(f"{V1}/vehicles", asked, following) if following else None}


@routes.get(f"{ADDRESS}/<version>/<path:name>")
@described(
    answer=str,
    media="text/javascript",
    headers={"Cache-Control": "For ever: the address has the content's hash."},
    also={418: "There is no such file in this version of evd."},
)
async def asset(version: str, name: str) -> Response:
    """One of the console's files: a script, a style, a picture."""
    if not here().config.web.enabled:
        return await legacy.unserved()
    known = await _assets()
    found = known.files.get(name) if version == known.version else None
    return await legacy.unserved() if found is None else _sent(found)


def _sent(file: WebFile) -> Response:
    headers = {"Content-Type": file.media, "Cache-Control": IMMUTABLE, **SECURITY}
    accepted = request.accept_encodings
    for encoding, packed in (("br", file.brotli), ("gzip", file.gzip)):
        if packed is not None and accepted.quality(encoding) > 0:
            return Response(packed, 200, {**headers, "Content-Encoding": encoding, "Vary": "Accept-Encoding"})
    return Response(file.body, 200, {**headers, "Vary": "Accept-Encoding"} if file.gzip else headers)


async def _assets() -> Assets:
    """Read the first time in a thread: a checkout's files are compressed then."""
    return await trio.to_thread.run_sync(assets) if assets.cache_info().currsize == 0 else assets()


@routes.get(f"{V1}/console")
@described(answer=ConsoleStart, example={"first_run": False, "session": None, "demo": False, "tiles": None})
async def start() -> Response:
    """What the console's sign-in page must know before anybody signs in."""
    if not here().config.web.enabled:
        raise NotFound("the console is off: web.enabled")
    response = v1_json(await _start())
    response.headers["Cache-Control"] = "no-store"
    return response


async def _start() -> ConsoleStart:
    users = await here().queries.users(limit=1)
    found = here().identities.session(request_headers(), secure=is_secure())
    session: ConsoleSession | None = None
    if found is not None:
        known, cookie = found
        session = {"uid": known.uid, "admin": known.admin, "means": "session", "csrf_token": csrf_token(cookie)}
    return {"first_run": not users.rows, "session": session, "demo": here().demo, "tiles": _tiles()}


def _tiles() -> MapTiles | None:
    web = here().config.web
    return {"url": web.tiles, "attribution": web.tiles_attribution} if web.tiles else None


def _page_policy(page: ConsoleHtml) -> str:
    """The policy with the page's own scripts and styles, and with the host of the map's tiles, if there is one:
    pictures may come from it, and nothing else."""
    policy = POLICY
    for kind, hashes in page.hashes.items():
        policy = policy.replace(f"{kind}-src 'self'", " ".join((f"{kind}-src 'self'", *hashes)))
    tiles = here().config.web.tiles
    origin = "/".join(tiles.split("/")[:TILES_HOST])
    return policy.replace("img-src 'self'", f"img-src 'self' {origin}") if tiles else policy
