"""The live stream, `/api/v1`: each new last status as a server-sent event, and after a break what was missed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, NamedTuple

import msgspec
import trio
from quart import Blueprint, Response, request

from evd.api.context import Context, admitted, caller, here
from evd.api.described import described
from evd.api.named_vehicles import named_vehicles
from evd.api.replies import V1
from evd.api.shown_places import is_viewer
from evd.errors import BadRequest, Unavailable
from evd.model.status import Status
from evd.net import sse
from evd.store.records import SortKey
from evd.store.vehicle_records import FleetSearch, first_key
from evd.streaming.hub import NEWEST, StreamCursor, StreamedStatus, Subscriber

RETRY_MS = 2000
"""A restart of evd takes a second or two."""

EVENT = "status"

NEWEST_S, CROWDED_S = 1, 3
"""A reader sees no difference between a second and at once; and of a fleet where more than CROWDED_BYTES change in it,
nobody reads each change, while fifty consoles would take a twentieth of a core for it."""
CROWDED_BYTES = 64 * 1024

OWN_READ = 1000
"""Vehicles of a user that are read at once."""

HEADERS = {
    "Content-Type": sse.CONTENT_TYPE,
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # else nginx collects events until a buffer is full
}

routes = Blueprint("stream", __name__, url_prefix=V1)


class StreamQuery(msgspec.Struct):
    vehicle: str | None = None
    """A vehicle to follow; several may be named."""
    replay: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1
    """0: it begins with what comes from now on, if there is no Last-Event-ID."""
    newest: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0
    """1, of all vehicles, with `replay=0`, for an administrator: once a second the newest status of each one that has
    a new one, and once in three where many have. Other streams send each status whatever this says."""
    last_event_id: str = ""
    """As the header Last-Event-ID, which a browser sends by itself when it connects again."""


@routes.get("/stream")
@described(
    query=StreamQuery,
    repeated=("vehicle",),
    answer=str,
    media=sse.CONTENT_TYPE,
    example='id: 1\nevent: status\ndata: {"id": "9f86d081884c7d65", "vehicleId": "386625"}\n\n',
)
async def follow() -> Response:
    """Stream the vehicles of the query, one `vehicle` for each; without any all of the user's, an administrator's all.

    It begins with what was missed since the Last-Event-ID (header, or `last_event_id`), else with each vehicle's last
    status, unless `replay=0`. Without a vehicle in the query events have no ids: it begins anew after a break. Of a
    user's vehicles it follows `app.stream_fleet_max`, the first by id, and those that the user has when it begins.
    """
    context = here()
    spellings = await named_vehicles(request.args.getlist("vehicle"), context.config.app.stream_vehicles_max)
    subscriber = await _subscriber(spellings)
    context.live.require_place(subscriber)
    missed = request.headers.get("Last-Event-ID") or request.args.get("last_event_id", "")
    progress = StreamCursor.parsed(tuple(spellings), missed) if spellings else None
    if request.method == "HEAD":
        return Response(b"", 200, HEADERS)
    if spellings or subscriber.admin:
        viewed = {vehicle for vehicle in spellings if await is_viewer(vehicle)}
        followed = _Followed(tuple(spellings) or None, spellings, viewed)
    else:
        followed = await _own(context, subscriber.uid)
    replays = bool(missed) or request.args.get("replay") != "0"
    if followed.vehicles is None and not replays and request.args.get("newest") == "1":
        events = _newest_events(context, subscriber)
    else:
        events = _events(context, subscriber, followed, progress, replays=replays)
    response = Response(events, 200, HEADERS)
    response.timeout = None  # quart's own bound is for answers that have an end
    return response


async def _subscriber(vehicles: Mapping[str, str]) -> Subscriber:
    """The requester, if it may follow these. Raises Unauthorized, Forbidden, NotFound, BadRequest, Unavailable."""
    asking = await caller()
    if not vehicles and asking.limited:
        raise BadRequest("the query names no vehicle: name each, as in ?vehicle=386625&vehicle=386626")
    for vehicle in vehicles:
        await admitted(vehicle)
    key_id = asking.key.key_id if asking.key else ""
    return Subscriber(key_id, asking.uid or "", asking.proof, asking.admin)


class _Followed(NamedTuple):
    """What a stream follows."""

    vehicles: tuple[str, ...] | None
    """In normal form; None: all."""
    spellings: Mapping[str, str]
    """Of the vehicles that the query names, by normal form."""
    viewed: Collection[str]
    """Those of which the subscriber is a viewer only."""


async def _own(context: Context, uid: str) -> _Followed:
    """The user's own vehicles, and those that the user may see: app.stream_fleet_max of them, the first by id."""
    left = context.config.app.stream_fleet_max
    after: tuple[Any, ...] | None = first_key("id")
    relations: dict[str, str | None] = {}
    while after is not None and left > 0:
        found = await context.queries.fleet(FleetSearch(uid=uid, everyones=False), after, min(left, OWN_READ))
        relations |= {row.vehicle: row.relation for row in found.rows}
        left, after = left - len(found.rows), found.following
    return _Followed(tuple(relations), {}, {one for one, relation in relations.items() if relation == "viewer"})


async def _events(
    context: Context,
    subscriber: Subscriber,
    followed: _Followed,
    progress: StreamCursor | None,
    *,
    replays: bool,
) -> AsyncGenerator[bytes, None]:
    """The stream's text; without `progress`, where the query names no vehicle, it has no ids to resume from.

    It ends when the follower is disconnected, and when the database does not answer: the client will return. The
    subscription begins here, where it is certain to end.
    """
    settings = context.config.app
    bell = trio.lowlevel.ParkingLot()
    spellings = followed.spellings

    def is_coarse(vehicle: str) -> bool:
        return context.places.is_coarse(vehicle, viewer=vehicle in followed.viewed)

    until = trio.current_time() + settings.stream_lasts_s
    with suppress(Unavailable), context.live.follow(subscriber, followed.vehicles, bell.unpark_all) as follower:
        # It subscribes before the rings are read, so there is no gap; what comes by both ways is sent once.
        if progress is None:
            known = await _lasts(context, followed.vehicles) if replays else []
            had, resumes = StreamCursor([vehicle for vehicle, _ in known]), False
        else:
            known = await _missed(context, progress) if replays else []
            had, resumes = progress, True
        # One after the other, as the client reads them: all statuses together may be long.
        for vehicle, sort_key in known:
            row = await context.queries.at(vehicle, sort_key)
            if row and (text := _written([_news(vehicle, row)], had, spellings, is_coarse, resumes=resumes)):
                yield text
        yield sse.opening(RETRY_MS, had.event_id if resumes else "")
        while not follower.ended and trio.current_time() < until:
            if text := _written(follower.take(), had, spellings, is_coarse, resumes=resumes):
                yield text
                continue
            with trio.move_on_after(settings.stream_heartbeat_s) as quiet:
                await bell.park()
            if quiet.cancelled_caught:
                yield sse.BEAT


async def _newest_events(context: Context, subscriber: Subscriber) -> AsyncGenerator[bytes, None]:
    """The newest status of each vehicle, at the same moments for all that follow so: what they are sent is then the
    same text. A client that reads slowly skips moments."""
    settings, newest = context.config.app, context.live.newest
    bell = trio.lowlevel.ParkingLot()

    def text_of(statuses: Iterable[StreamedStatus]) -> bytes:
        shown = [
            one.shown(one.vehicle, is_coarse=context.places.is_coarse(one.vehicle, viewer=False)) for one in statuses
        ]
        return b"".join([sse.written(EVENT, "", one) for one in shown])

    spoke = trio.current_time()
    until = spoke + settings.stream_lasts_s
    with suppress(Unavailable), context.live.follow(subscriber, (NEWEST,), bell.unpark_all) as follower:
        read, step = newest.changes, NEWEST_S
        yield sse.opening(RETRY_MS, "")
        while not follower.ended and trio.current_time() < until:
            with trio.move_on_at((trio.current_time() // step + 1) * step):
                await bell.park()
            text, read = newest.written(read, text_of), newest.changes
            step = NEWEST_S if len(text) <= CROWDED_BYTES else CROWDED_S
            if text or trio.current_time() >= spoke + settings.stream_heartbeat_s:
                spoke = trio.current_time()
                yield text or sse.BEAT


def _written(
    statuses: Iterable[StreamedStatus],
    progress: StreamCursor,
    spellings: Mapping[str, str],
    is_coarse: Callable[[str], bool],
    *,
    resumes: bool,
) -> bytes:
    """Those of the statuses that were not sent yet, as events."""
    events = []
    for news in statuses:
        if progress.advance(news.vehicle, news.rank):
            event_id = progress.event_id if resumes else ""
            shown = news.shown(spellings.get(news.vehicle, news.vehicle), is_coarse=is_coarse(news.vehicle))
            events.append(sse.written(EVENT, event_id, shown))
    return b"".join(events)


async def _lasts(context: Context, vehicles: Sequence[str] | None) -> list[tuple[str, SortKey]]:
    """The last status of each vehicle (None: of all), the oldest first; app.stream_replay_max at most."""
    most = context.config.app.stream_replay_max
    if vehicles is None:
        return await context.queries.lasts(most)
    found = [(one, await context.queries.last(one)) for one in vehicles[:most]]
    return sorted(((one, last.sort_key) for one, last in found if last), key=lambda one: one[1][:2])


async def _missed(context: Context, progress: StreamCursor) -> list[tuple[str, SortKey]]:
    """The sort keys of the statuses that the rings hold behind the cursor, the oldest first: for each vehicle its share
    of the newest. At the beginning of a stream it is each vehicle's last status.
    """
    share = max(1, context.config.app.stream_replay_max // len(progress.ranks))
    found: list[tuple[str, SortKey]] = []
    for vehicle, rank in progress.ranks.items():
        if progress.begins:
            last = await context.queries.last(vehicle)
            sort_keys = [last.sort_key] if last else []
        else:
            sort_keys = await context.queries.since(vehicle, rank, share)
        found += [(vehicle, sort_key) for sort_key in sort_keys]
    return sorted(found, key=lambda one: one[1][:2])  # stable: equal ones stay in their ring's order


def _news(vehicle: str, row: Status) -> StreamedStatus:
    return StreamedStatus(vehicle, row, 0)
