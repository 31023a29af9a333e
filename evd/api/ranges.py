"""A vehicle's statuses between two times, for the original's app: streamed, with one page in memory at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial

import orjson
import trio
from quart import Response, request

from evd.api.context import Context, here
from evd.api.replies import ANY_ORIGIN, legacy_empty
from evd.api.request_permits import hold_permit
from evd.errors import Unavailable
from evd.model.status import Status
from evd.store.records import PageLimit, SortKey, TimeSpan

PAGE = PageLimit(rows=200, size_bytes=64 * 1024)
"""Some milliseconds of the loop; also what a slow client makes evd hold, besides the last status of the page."""

HEADERS = {"Content-Type": "application/json", **ANY_ORIGIN}


async def answer(span: TimeSpan, spelling: str, shown: Callable[[Status], Status]) -> Response:
    """A JSON list of what `shown` gives of each, oldest first: 200, or 204 without any.

    What fits into a page is sent whole, with its length.
    """
    context = here()
    rows, more = await context.queries.range_page(span, None, PAGE)
    if not rows:
        return legacy_empty(204)
    write = partial(_written, context, spelling, shown)
    page = write(rows)
    if not more:
        return Response(b"[" + page + b"]", 200, HEADERS)
    if request.method == "HEAD":
        return Response(b"", 200, HEADERS)
    app = context.config.app
    await hold_permit(context.ranges, f"{app.ranges_per_user} of your ranges, or {app.ranges_max} of all, are open")
    response = Response(_pages(context, span, write, page, rows[-1].sort_key), 200, HEADERS)
    response.timeout = None  # app.range_lasts_s bounds it
    return response


async def _pages(
    context: Context, span: TimeSpan, write: Callable[[Sequence[Status]], bytes], page: bytes, sort_key: SortKey
) -> AsyncGenerator[bytes, None]:
    """The list from its first page on. Raises Unavailable, which breaks it off."""
    lasts_s = context.config.app.range_lasts_s
    until = trio.current_time() + lasts_s
    yield b"[" + page
    more = True
    while more:
        if trio.current_time() > until:
            raise Unavailable(f"a range was not read within the {lasts_s:g} s of app.range_lasts_s")
        rows, more = await context.queries.range_page(span, sort_key, PAGE)
        if rows:  # otherwise the rest was evicted meanwhile
            sort_key = rows[-1].sort_key
            yield b"," + write(rows)
    yield b"]"


def _written(context: Context, spelling: str, shown: Callable[[Status], Status], rows: Sequence[Status]) -> bytes:
    whole = context.config.app.whole_numbers
    return b",".join([orjson.dumps(shown(row).for_app(spelling, whole_numbers=whole)) for row in rows])
