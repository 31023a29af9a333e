"""Answers that need not be sent again: an ETag of their content, and 304 if the client has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

import orjson
from quart import Response, request

from evd.api.in_pieces import in_pieces
from evd.api.replies import v1_json

T = TypeVar("T")

DIGEST_BYTES = 16

#: Of one user: no shared cache may keep it, and the client's own asks each time whether it is still right.
CACHED = {"Cache-Control": "private, no-cache"}


async def unless_known(document: Any) -> Response:
    """The document as JSON, or 304 without a body if an ETag of If-None-Match is its own."""
    response = v1_json(document)
    content = await response.get_data(as_text=False)
    return _tagged(response, blake2b(content, digest_size=DIGEST_BYTES).hexdigest(), weak=False)


async def unless_equivalent(response: Response, contents: Sequence[T], alike: Callable[[T], Any]) -> Response:
    """The answer with a weak ETag: one whose `contents` are `alike` (JSON) is as good, as where only ages differ."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    await in_pieces(lambda content: digest.update(orjson.dumps(alike(content))), contents)
    return _tagged(response, digest.hexdigest(), weak=True)


def known_already(tag: str) -> Response | None:
    """304 without a body, if this strong ETag is one of If-None-Match."""
    return _not_modified(f'"{tag}"') if request.if_none_match.contains_weak(tag) else None


def content_with(tag: str, content: bytes, media: str) -> Response:
    """The content with this strong ETag."""
    response = Response(content, 200, {"Content-Type": media, **CACHED})
    response.set_etag(tag)
    return response


def _not_modified(etag: str) -> Response:
    known = Response(b"", 304, {"ETag": etag, **CACHED})
    known.headers.pop("Content-Type", None)
    return known


def _tagged(response: Response, tag: str, *, weak: bool) -> Response:
    response.set_etag(tag, weak)
    response.headers.update(CACHED)
    etag, _ = response.get_etag()
    if request.if_none_match.contains_weak(etag or ""):
        return _not_modified(response.headers["ETag"])
    return response
