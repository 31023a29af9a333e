"""`/openapi.json`, and `/docs`, a page that shows it; both for everyone, since both only say what evd's source says."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import blake2b
from importlib import import_module
from importlib.resources import files
from typing import Any, NamedTuple

import orjson
import trio
from quart import Blueprint, Quart, Response, current_app, request
from werkzeug.routing import Rule

from evd.api.described import described, description_of
from evd.api.openapi import ApiOperation, Subject, document
from evd.auth.access import as_listed, row_of
from evd.store.records import NUMBER_MAX
from evd.version import VERSION

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page loads nothing from another host, and no script or style stands in it."""

#: A version's answers never change, but the same address has another version's after an update.
CACHED = {"Cache-Control": "no-cache"}

MEDIA = {"html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}

VEHICLE = re.compile(r"^/sigfox/|/vehicles/<")
"""Rules whose first argument is a vehicle."""

_DOCUMENT = "evd.openapi"

routes = Blueprint("documentation", __name__)


class Kept(NamedTuple):
    """An answer's body, which does not change while evd runs."""

    body: bytes
    etag: str


@routes.get("/openapi.json")
@described(
    answer=dict[str, Any], also={304: "If-None-Match has the document's ETag."}, headers={"ETag": "Of the body."}
)
async def openapi() -> Response:
    """This document: OpenAPI 3.1."""
    return _unless_known(await _document(), "application/json")


@routes.get("/docs")
@described(answer=str, media="text/html", also={304: "If-None-Match has the page's ETag."})
async def page() -> Response:
    """A page for people that shows this document."""
    return _file("page.html")


@routes.get("/docs/script")
@described(answer=str, media="text/javascript", also={304: "If-None-Match has the file's ETag."})
async def page_script() -> Response:
    """The page's script."""
    return _file("page.js")


@routes.get("/docs/style")
@described(answer=str, media="text/css", also={304: "If-None-Match has the file's ETag."})
async def page_style() -> Response:
    """The page's style."""
    return _file("page.css")


def _file(name: str) -> Response:
    response = _unless_known(_read(name), MEDIA[name.rpartition(".")[2]])
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@cache
def _read(name: str) -> Kept:
    return _kept((files("evd.api") / "docs" / name).read_bytes())


async def _document() -> Kept:
    """Made once, at the first request, in a thread: it takes longer than callbacks should wait."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    known: Kept | None = app.extensions.get(_DOCUMENT)
    if known is None:
        known = app.extensions[_DOCUMENT] = await trio.to_thread.run_sync(_made, app)
    return known


def _made(app: Quart) -> Kept:
    return _kept(orjson.dumps(openapi_document(app)))


def _kept(body: bytes) -> Kept:
    return Kept(body, blake2b(body, digest_size=16).hexdigest())


def _unless_known(kept: Kept, media: str) -> Response:
    """The body, or 304 without one if an ETag of If-None-Match is its own."""
    if request.if_none_match.contains_weak(kept.etag):
        response = Response(b"", 304, CACHED)
        response.headers.pop("Content-Type", None)
    else:
        response = Response(kept.body, 200, {"Content-Type": media, **CACHED})
    response.set_etag(kept.etag)
    return response


def openapi_document(app: Quart) -> dict[str, Any]:
    """The document of the app's routes. Raises LookupError for a route that nothing describes."""
    operations = _with_own_names(_operations(app))
    names = dict.fromkeys(one.subject for one in operations)
    return document(operations, [Subject(name, _doc_of(app, name)) for name in sorted(names)], VERSION)


def undescribed(app: Quart) -> list[str]:
    """The routes without `described` or without a docstring, as `METHOD rule`."""
    return sorted(f"{method} {rule.rule}" for method, rule, view in _served(app) if _lacks(view))


def _lacks(view: Any) -> bool:
    return description_of(view) is None or not inspect.getdoc(view)


def _served(app: Quart) -> Iterator[tuple[str, Rule, Any]]:
    """Method, rule and view of each route; those of the original only once, not for all prefixes and slashes."""
    for rule in app.url_map.iter_rules():
        if rule.rule != as_listed(rule.rule):
            continue
        for method in sorted(rule.methods or ()):
            if method != "HEAD" or rule.methods == {"HEAD"}:
                yield method, rule, app.view_functions[rule.endpoint]


def _operations(app: Quart) -> Iterator[ApiOperation]:
    if missing := undescribed(app):
        raise LookupError(f"each view needs evd.api.described.described and a docstring: {missing}")
    for method, rule, view in _served(app):
        row, about = row_of(method, rule.rule), description_of(view)
        assert row is not None and about is not None
        yield ApiOperation(
            method=method,
            rule=rule.rule,
            arguments=_arguments(rule),
            row=row,
            name=_name(method, rule, view),
            subject=_subject(rule),
            doc=inspect.getdoc(view) or "",
            about=about,
        )


def _name(method: str, rule: Rule, view: Any) -> str:
    """The view's name, unless it serves several routes."""
    if getattr(view, "serves_several", False):
        return "_".join([method.lower(), *re.findall(r"\w+", rule.rule)])
    name: str = view.__name__.strip("_")
    return name


def _subject(rule: Rule) -> str:
    """The blueprint; the original's routes have none."""
    endpoint: str = rule.endpoint
    blueprint, dot, _ = endpoint.partition(".")
    return blueprint if dot else endpoint.partition(" ")[0]


def _doc_of(app: Quart, subject: str) -> str:
    blueprint = app.blueprints.get(subject)
    return inspect.getdoc(import_module(blueprint.import_name)) or "" if blueprint else _ORIGINAL[subject]


_ORIGINAL = {
    "legacy": "The routes of the original's app, also below /v2 and /v3, and each also with a slash at its end.",
    "ingest": "Callbacks of Sigfox, and posts of vehicles over WLAN; their paths as those of the original's app.",
}


def _with_own_names(operations: Iterable[ApiOperation]) -> list[ApiOperation]:
    """A name that several subjects have gets the subject before it."""
    known = list(operations)
    counted = Counter(one.name for one in known)
    return [one._replace(name=f"{one.subject}_{one.name}") if counted[one.name] > 1 else one for one in known]


def _arguments(rule: Rule) -> dict[str, Any]:
    """The JSON Schemas of the path's arguments."""
    found: dict[str, Any] = {}
    for converter, name in re.findall(r"<(?:(\w+):)?(\w+)>", rule.rule):
        found[name] = _argument(converter, name, rule)
    return found


def _argument(converter: str, name: str, rule: Rule) -> dict[str, Any]:
    if converter == "int":
        return {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX}
    if choices := getattr(rule._converters[name], "choices", ()):
        return {"type": "string", "enum": sorted(choices)}
    bounds: dict[str, Any] = {"type": "string", "minLength": 1}
    return {**bounds, "examples": ["386625"]} if VEHICLE.search(rule.rule) else bounds
