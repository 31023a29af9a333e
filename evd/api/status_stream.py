"""Statuses between two times as a stream of lines, of one vehicle or many, with one page in memory at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, NamedTuple

import trio
from quart import Response, request

from evd.api.context import Context, caller, here
from evd.api.in_pieces import in_pieces
from evd.api.ranges import PAGE
from evd.api.request_permits import hold_permit
from evd.api.shown_places import is_coarse_row, showing, shown_places
from evd.api.status_rows import RowForm, columns_of, row_of_status
from evd.auth.caller import Caller
from evd.errors import Unavailable
from evd.model.status import Status
from evd.store.records import PageLimit, SortKey, TimeSpan
from evd.store.vehicle_records import FleetSearch, first_key

AT_ONCE = 2000
PAUSE_S = 0.04
"""A stream waits so long after each page once it has sent so many statuses: a page takes the loop some 4 ms, and a
million statuses would take callbacks a third of it for a minute. So they take a tenth of it, and four minutes."""

VEHICLES = 100
"""That are read at once, each with its last status."""


class StatusWish(NamedTuple):
    """Which statuses, in which order, and what of them."""

    span: TimeSpan
    after: SortKey | None
    limit: int | None
    """Statuses at most; None: all."""
    down: bool
    """The newest first."""
    fields: tuple[str, ...] | None


async def stream(wish: StatusWish, form: RowForm) -> Response:
    """200 with a line for each status. What breaks it off is app.range_lasts_s, or the database."""
    context = here()
    if request.method == "HEAD":
        return Response(b"", 200, _headers(form))
    first = await _page(context, wish)
    if first[1]:
        await _hold(context)
    pages = _pages(context, wish, first, await shown_places(wish.span.vehicle))
    return _streamed(_lines(pages, wish, form, context.config.app.range_lasts_s), form)


async def stream_fleet(search: FleetSearch, wish: StatusWish, form: RowForm) -> Response:
    """As `stream`, of one vehicle of the search after the other; `wish.limit` holds for each."""
    context = here()
    if request.method == "HEAD":
        return Response(b"", 200, _headers(form))
    await _hold(context)
    pages = _of_fleet(context, search, wish, await caller())
    return _streamed(_lines(pages, wish, form, context.config.app.range_lasts_s), form)


async def _hold(context: Context) -> None:
    app = context.config.app
    await hold_permit(context.ranges, f"{app.ranges_per_user} of your ranges, or {app.ranges_max} of all, are open")


def _headers(form: RowForm) -> dict[str, str]:
    name = f"attachment; filename=statuses.{form.suffix}"
    return {"Content-Type": form.content_type, "Content-Disposition": name, "Cache-Control": "private, no-store"}


def _streamed(lines: AsyncGenerator[bytes, None], form: RowForm) -> Response:
    response = Response(lines, 200, _headers(form))
    response.timeout = None  # app.range_lasts_s bounds it
    return response


async def _lines(
    pages: AsyncGenerator[list[Status], None], wish: StatusWish, form: RowForm, lasts_s: float
) -> AsyncGenerator[bytes, None]:
    """Raises Unavailable, which breaks it off."""
    until = trio.current_time() + lasts_s
    columns, make = columns_of(wish.fields), row_of_status(wish.fields)
    yield form.head(columns)
    sent = 0
    async with aclosing(pages):
        async for rows in pages:
            if trio.current_time() > until:
                raise Unavailable(f"a stream of statuses was not read within the {lasts_s:g} s of app.range_lasts_s")
            shown: list[dict[str, Any]] = await in_pieces(make, rows)
            yield form.lines(columns, shown)
            sent += len(rows)
            if sent > AT_ONCE:
                await trio.sleep(PAUSE_S)


async def _pages(
    context: Context, wish: StatusWish, first: tuple[list[Status], bool], shown: Callable[[Status], Status]
) -> AsyncGenerator[list[Status], None]:
    rows, more = first
    while rows:
        yield [shown(row) for row in rows]
        left = None if wish.limit is None else wish.limit - len(rows)
        if not more or left == 0:
            return
        wish = wish._replace(after=rows[-1].sort_key, limit=left)
        rows, more = await _page(context, wish)


async def _of_fleet(
    context: Context, search: FleetSearch, wish: StatusWish, asking: Caller
) -> AsyncGenerator[list[Status], None]:
    after: tuple[Any, ...] | None = first_key(search.order)
    while after is not None:
        found, after = await context.queries.fleet(search, after, VEHICLES)
        for vehicle in found:
            own = wish._replace(span=wish.span._replace(vehicle=vehicle.vehicle))
            shown = showing(is_coarse=is_coarse_row(vehicle, asking, context.places))
            async with aclosing(_pages(context, own, await _page(context, own), shown)) as pages:
                async for rows in pages:
                    yield rows


async def _page(context: Context, wish: StatusWish) -> tuple[list[Status], bool]:
    room = PageLimit(PAGE.rows if wish.limit is None else min(PAGE.rows, wish.limit), PAGE.size_bytes)
    return await context.queries.range_page(wish.span, wish.after, room, down=wish.down)
