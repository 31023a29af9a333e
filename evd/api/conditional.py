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


def _tagged(response: Response, tag: str, *, weak: bool) -> Response:
    response.set_etag(tag, weak)
    response.headers.update(CACHED)
    etag, _ = response.get_etag()
    if request.if_none_match.contains_weak(etag or ""):
        known = Response(b"", 304, {"ETag": response.headers["ETag"], **CACHED})
        known.headers.pop("Content-Type", None)
        return known
    return response
