"""Lists of `/api/v1`, a page at a time.

A list takes `limit` and `cursor`. A page that is not the last has a Link header (RFC 8288) with rel="next".
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import orjson
from quart import Response, request

from evd.api.context import here
from evd.api.replies import v1_json
from evd.api.request_permits import hold_permit
from evd.errors import BadRequest
from evd.store.records import LISTED_MAX, NUMBER_MAX, Listing

C = TypeVar("C", bound=tuple[Any, ...])
L = TypeVar("L", int, int | None)

LISTED = 1000
"""Entries of a list without `limit`."""

CURSOR_MAX = 1024
"""Characters; the longest holds a user id and a vehicle's."""


async def asked_page(start: C, usual: int = LISTED, most: int = LISTED_MAX) -> tuple[C, int]:
    """Behind which row the page begins, `start` where none is said, and how many it may have.

    The request holds a place from here on, for a page may be some megabytes. Raises BadRequest, Unavailable.
    """
    cursor, limit = asked_cursor(start), asked_limit(usual, most)
    app = here().config.app
    await hold_permit(here().lists, f"{app.lists_per_user} of your lists, or {app.lists_max} of all, are being sent")
    return cursor, limit


def asked_limit(usual: L, most: int) -> int | L:
    """The query's `limit`, `usual` without one. Raises BadRequest."""
    text = request.args.get("limit")
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise BadRequest(f"limit is {text[:40]!r}: it must be a number from 1 to {most}")
    return int(text)


def asked_cursor(start: C) -> C:
    """The query's `cursor`, of the types that `start` has; `start` without one. Raises BadRequest."""
    text = request.args.get("cursor")
    if text is None:
        return start
    try:
        values = orjson.loads(urlsafe_b64decode(text + "==")) if len(text) <= CURSOR_MAX else None
    except (binascii.Error, ValueError):
        values = None
    if not isinstance(values, list) or not _fits(values, start):
        raise BadRequest(f"cursor is {text[:40]!r}, which is not from a page of this list: follow its Link, or omit it")
    return tuple(values)  # type: ignore[return-value]


def _fits(values: list[Any], start: tuple[Any, ...]) -> bool:
    return len(values) == len(start) and all(
        type(value) is type(like) and not (type(value) is int and abs(value) > NUMBER_MAX)
        for value, like in zip(values, start, strict=True)
    )


def page(listing: Listing[Any], shown: Any = None, status: int = 200, *, path: str | None = None) -> Response:
    """The answer: the list's rows, or `shown`. `path`: the list's address, if not the request's."""
    return next_link(v1_json(listing.rows if shown is None else shown, status), listing.following, path=path)


def next_link(response: Response, following: tuple[Any, ...] | None, *, path: str | None = None) -> Response:
    """The answer with the Link to the next page, if there is one."""
    if following is not None:
        asked = [(name, text) for name, text in request.args.items(multi=True) if name != "cursor"]
        response.headers["Link"] = f'<{next_address(path or request.path, asked, following)}>; rel="next"'
    return response


def next_address(path: str, asked: Sequence[tuple[str, str]], following: tuple[Any, ...]) -> str:
    """The next page's address: that of a list with this query, with the cursor."""
    cursor = urlsafe_b64encode(orjson.dumps(following)).decode().rstrip("=")
    return f"{quote(path)}?{urlencode([*asked, ('cursor', cursor)])}"
