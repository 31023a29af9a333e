"""Answers that need not be sent again: an ETag of their content, and 304 if the client has it."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson
from quart import Response, request

from evd.api.replies import v1_json

#: Of one user: no shared cache may keep it, and the client's own asks each time whether it is still right.
CACHED = {"Cache-Control": "private, no-cache"}


async def unless_known(document: Any) -> Response:
    """The document as JSON, or 304 without a body if an ETag of If-None-Match is its own."""
    response = v1_json(document)
    return _tagged(response, await response.get_data(as_text=False), weak=False)


def unless_equivalent(response: Response, content: Any) -> Response:
    """The answer with a weak ETag: one with equal `content` (JSON) is as good, as where only ages differ."""
    return _tagged(response, orjson.dumps(content), weak=True)


def _tagged(response: Response, content: bytes, *, weak: bool) -> Response:
    response.set_etag(blake2b(content, digest_size=16).hexdigest(), weak)
    response.headers.update(CACHED)
    etag, _ = response.get_etag()
    if request.if_none_match.contains_weak(etag or ""):
        known = Response(b"", 304, {"ETag": response.headers["ETag"], **CACHED})
        known.headers.pop("Content-Type", None)
        return known
    return response
