"""The console: its page at `/`, its files at `/assets`, and what a browser must know before anybody signs in.

With `web.enabled = false` all of it is answered as any unknown path: with the original's teapot.
"""

from __future__ import annotations

from typing import Literal, TypedDict

import trio
from quart import Blueprint, Response, request

from evd.api import legacy
from evd.api.context import here, is_secure, request_headers
from evd.api.described import described
from evd.api.replies import V1, v1_json
from evd.auth.sessions import csrf_token
from evd.errors import NotFound
from evd.web.assets import ADDRESS, Assets, WebFile, assets

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing comes from another host, no script or style stands in the page, and no other page shows it in a frame."""

SECURITY = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

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
    headers={"ETag": "Of the page."},
    also={304: "If-None-Match has the page's ETag.", 418: "The console is off: `web.enabled = false`."},
)
async def index() -> Response:
    """The console's page."""
    if not here().config.web.enabled:
        return await legacy.unserved()
    known = await _assets()
    headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache", **SECURITY, **_policy()}
    if request.if_none_match.contains_weak(known.version):
        response = Response(b"", 304, headers)
    else:
        response = Response(known.page, 200, headers)
    response.set_etag(known.version)
    return response


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
    users = await here().queries.users(limit=1)
    found = here().identities.session(request_headers(), secure=is_secure())
    session: ConsoleSession | None = None
    if found is not None:
        known, cookie = found
        session = {"uid": known.uid, "admin": known.admin, "means": "session", "csrf_token": csrf_token(cookie)}
    response = v1_json({"first_run": not users.rows, "session": session, "demo": here().demo, "tiles": _tiles()})
    response.headers["Cache-Control"] = "no-store"
    return response


def _tiles() -> MapTiles | None:
    web = here().config.web
    return {"url": web.tiles, "attribution": web.tiles_attribution} if web.tiles else None


def _policy() -> dict[str, str]:
    """The policy with the host of the map's tiles, if there is one: pictures may come from it, and nothing else."""
    tiles = here().config.web.tiles
    origin = "/".join(tiles.split("/")[:TILES_HOST])
    return {"Content-Security-Policy": POLICY.replace("img-src 'self'", f"img-src 'self' {origin}")} if tiles else {}
