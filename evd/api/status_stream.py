"""A vehicle's statuses between two times as a stream of lines, with one page in memory at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

import trio
from quart import Response, request

from evd.api.context import Context, here
from evd.api.in_pieces import in_pieces
from evd.api.ranges import PAGE
from evd.api.request_permits import hold_permit
from evd.api.status_rows import RowForm, columns_of, row_of_status
from evd.errors import Unavailable
from evd.model.status import Status
from evd.store.records import PageLimit, SortKey, TimeSpan


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
    name = f"attachment; filename=statuses.{form.suffix}"
    headers = {"Content-Type": form.content_type, "Content-Disposition": name, "Cache-Control": "private, no-store"}
    if request.method == "HEAD":
        return Response(b"", 200, headers)
    first = await _page(context, wish)
    if first[1]:
        app = context.config.app
        await hold_permit(context.ranges, f"{app.ranges_per_user} of your ranges, or {app.ranges_max} of all, are open")
    response = Response(_lines(context, wish, form, *first), 200, headers)
    response.timeout = None  # app.range_lasts_s bounds it
    return response


async def _lines(
    context: Context, wish: StatusWish, form: RowForm, rows: list[Status], more: bool
) -> AsyncGenerator[bytes, None]:
    """From the first page on. Raises Unavailable, which breaks it off."""
    lasts_s = context.config.app.range_lasts_s
    until = trio.current_time() + lasts_s
    columns, make = columns_of(wish.fields), row_of_status(wish.fields)
    yield form.head(columns)
    while rows:
        shown: list[dict[str, Any]] = await in_pieces(make, rows)
        yield form.lines(columns, shown)
        left = None if wish.limit is None else wish.limit - len(rows)
        if not more or left == 0:
            return
        if trio.current_time() > until:
            raise Unavailable(f"a stream of statuses was not read within the {lasts_s:g} s of app.range_lasts_s")
        wish = wish._replace(after=rows[-1].sort_key, limit=left)
        rows, more = await _page(context, wish)


async def _page(context: Context, wish: StatusWish) -> tuple[list[Status], bool]:
    room = PageLimit(PAGE.rows if wish.limit is None else min(PAGE.rows, wish.limit), PAGE.size_bytes)
    return await context.queries.range_page(wish.span, wish.after, room, down=wish.down)
