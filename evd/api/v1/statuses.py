"""A vehicle's statuses, `/api/v1`: the last one, and those between two times, as they are or down-sampled."""

from __future__ import annotations

import re
from functools import partial

import orjson
from quart import Blueprint, Response, request

from evd.api.conditional import unless_known
from evd.api.context import here, vehicle_named
from evd.api.described import described
from evd.api.in_pieces import in_pieces
from evd.api.pages import asked_cursor, asked_limit, asked_page, next_link, page
from evd.api.replies import V1
from evd.api.shown_places import coarse_bucket, is_coarse, shown_places
from evd.api.status_rows import (
    RowForm,
    asked_fields,
    asked_form,
    bucket_columns,
    bucket_document,
    bucket_row,
    json_of_row,
    row_of_status,
)
from evd.api.status_stream import StatusWish, stream, stream_fleet
from evd.api.times import asked_time
from evd.api.v1.vehicles import asked_search
from evd.api.vehicle_documents import (
    STATUS,
    FieldsQuery,
    FleetStatusesQuery,
    StatusDocument,
    StatusesQuery,
    StatusOrBucket,
)
from evd.errors import BadRequest, NotFound
from evd.model.status import TIME_MAX_MS
from evd.model.units import DAY_MS
from evd.store.records import NUMBER_MAX, Listing, PageLimit, SortKey, TimeSpan
from evd.store.vehicle_records import Bucket

USUAL, MOST = 100, 1000
"""Statuses of a page of JSON; more are a stream."""

PAGE_BYTES = 1024 * 1024
BUCKETS_USUAL, BUCKETS_MAX = 500, 1000

BUCKET_MAX_MS = 366 * DAY_MS
_BUCKET = re.compile(r"([1-9][0-9]{0,8})([smhd])")
_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}

routes = Blueprint("statuses", __name__, url_prefix=V1)


@routes.get("/vehicles/<given>/last")
@described(
    query=FieldsQuery,
    answer=StatusDocument,
    example=STATUS,
    headers={"ETag": "Of the whole status."},
    also={304: "The client has it: If-None-Match names its ETag."},
)
async def last_status(given: str) -> Response:
    """The newest status that is not ahead of the clock, with an ETag. 404 for a vehicle without one."""
    vehicle = vehicle_named(given)
    status = await here().queries.last(vehicle)
    if status is None:
        raise NotFound(f"vehicle {vehicle} has sent no status yet")
    shown = (await shown_places(vehicle))(status)
    return await unless_known(orjson.Fragment(json_of_row(row_of_status(asked_fields())(shown))))


@routes.get("/vehicles/<given>/statuses")
@described(query=StatusesQuery, answer=list[StatusOrBucket], listed=MOST, example=[STATUS])
async def statuses(given: str) -> Response:
    """Statuses from the time `from` to `until`, both included: a page of JSON, or all of them as CSV or NDJSON.

    `order` is asc or desc; `bucket`, as 15m, gives the least, mean, greatest and last value in each such span of time.
    A bucket of whole hours also has the numbers of statuses that have left the ring, from their roll-ups.
    """
    span, form, down = _asked_span(vehicle_named(given)), asked_form(), _asked_order()
    if "bucket" in request.args:
        return await _buckets(span, _asked_width(), form, down=down)
    fields = asked_fields()
    if form is not None:
        limit = asked_limit(None, NUMBER_MAX)
        return await stream(StatusWish(span, _after(asked_cursor(_FIRST)), limit, down, fields), form)
    cursor, number = await asked_page(_FIRST, USUAL, MOST)
    room = PageLimit(number, PAGE_BYTES)
    rows, more = await here().queries.range_page(span, _after(cursor), room, down=down)
    make, places = row_of_status(fields), await shown_places(span.vehicle)
    shown = await in_pieces(lambda status: json_of_row(make(places(status))), rows)
    response = Response(b"[" + b",".join(shown) + b"]", 200, {"Content-Type": "application/json"})
    return next_link(response, rows[-1].sort_key if more else None)


@routes.get("/statuses")
@described(query=FleetStatusesQuery, answer=str, media="text/csv")
async def statuses_of_all() -> Response:
    """The statuses of all vehicles of the user, an administrator's all, one vehicle after the other: CSV or NDJSON.

    The query restricts vehicles as that of their list, and statuses as that of one vehicle; `limit` is each vehicle's.
    """
    span, form, down = _asked_span(""), asked_form(), _asked_order()
    if form is None:
        raise BadRequest("the statuses of many vehicles are a stream: add format=csv or format=ndjson")
    if "bucket" in request.args:
        raise BadRequest("bucket is for the statuses of one vehicle: ask for /vehicles/ID/statuses")
    wish = StatusWish(span, None, asked_limit(None, NUMBER_MAX), down, asked_fields())
    return await stream_fleet(await asked_search(), wish, form)


_FIRST: SortKey = (0, 0, "")
"""The cursor before any status: no status has this id."""


def _after(cursor: SortKey) -> SortKey | None:
    return cursor if cursor[2] else None


async def _buckets(span: TimeSpan, width: int, form: RowForm | None, *, down: bool) -> Response:
    """A page of buckets, each whole; a cursor is the start of the last one."""
    fields = asked_fields()
    (start,), limit = await asked_page((-1,), BUCKETS_USUAL, BUCKETS_MAX)
    if start >= 0 and down:
        span = span._replace(last=min(span.last, start - 1))
    elif start >= 0:
        span = span._replace(first=max(span.first, start + width))
    found, more = await here().queries.buckets(span, width, limit, down=down)
    if await is_coarse(span.vehicle):
        found = await in_pieces(coarse_bucket, found)
    following = (found[-1].start,) if more else None
    if form is None:
        return page(Listing(await in_pieces(partial(bucket_document, fields=fields), found), following))
    return next_link(await _bucket_table(found, form, fields), following)


async def _bucket_table(found: list[Bucket], form: RowForm, fields: tuple[str, ...] | None) -> Response:
    columns = bucket_columns(fields)
    rows = await in_pieces(partial(bucket_row, fields=fields), found)
    return Response(form.head(columns) + form.lines(columns, rows), 200, {"Content-Type": form.content_type})


def _asked_span(vehicle: str) -> TimeSpan:
    first, until = asked_time("from", 0), asked_time("until", TIME_MAX_MS)
    if first > until:
        raise BadRequest("from is later than until: no status lies between them")
    return TimeSpan(vehicle, first, until)


def _asked_order() -> bool:
    """Whether the newest comes first. Raises BadRequest."""
    order = request.args.get("order", "asc")
    if order not in ("asc", "desc"):
        raise BadRequest(f"order is {order[:40]!r}: it must be asc or desc")
    return order == "desc"


def _asked_width() -> int:
    """The width of a bucket in ms. Raises BadRequest."""
    text = request.args["bucket"]
    found = _BUCKET.fullmatch(text)
    width = int(found[1]) * _UNITS_MS[found[2]] if found else 0
    if not 0 < width <= BUCKET_MAX_MS:
        raise BadRequest(f"bucket is {text[:40]!r}: write a number of s, m, h or d, as 15m, up to 366d")
    return width
