"""Vehicles, `/api/v1`: a user's own, an administrator's all, each with its last status."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, request

from evd.api.conditional import unless_equivalent
from evd.api.context import caller, here, vehicle_named
from evd.api.described import described
from evd.api.fleet_rows import STALE_AFTER_MS, fleet_rows
from evd.api.named_vehicles import tagged_vehicles
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.api.shown_places import is_coarse
from evd.api.times import shown_time
from evd.api.vehicle_documents import VEHICLE, WHOLE_VEHICLE, FleetQuery, VehicleDocument, WholeVehicle
from evd.api.vehicle_rows import vehicle_row
from evd.auth.caller import Caller
from evd.errors import BadRequest, NotFound
from evd.ingest.redecode import decode_kept
from evd.model.measures import MEASURES
from evd.model.tags import checked_tags
from evd.sigfox.decode_findings import remarks
from evd.sigfox.decode_policy import DISAGREES
from evd.store.records import LISTED_MAX
from evd.store.vehicle_records import FLEET_ORDERS, STALENESS, FleetSearch, first_key

TEXT_MAX = 200

STATES = MEASURES["state"].words

routes = Blueprint("vehicles", __name__, url_prefix=V1)


@routes.get("/vehicles")
@described(
    query=FleetQuery,
    answer=list[VehicleDocument],
    listed=LISTED_MAX,
    example=[VEHICLE],
    headers={"ETag": "Weak: of all but the ages."},
    also={304: "The client has it: If-None-Match names its ETag."},
)
async def list_vehicles() -> Response:
    """The user's vehicles, an administrator's all: each with its last status, and a weak ETag that ages do not change.

    The query may restrict them by `state`, `staleness`, `tag` and `text`, name the order as `sort`, and with `today=1`
    add the frames received and lost today.
    """
    search = await asked_search()
    after, limit = await asked_page(first_key(search.order), LISTED_MAX)
    found, shown = await fleet_rows(search, after, limit, await caller(), today=request.args.get("today") == "1")
    return await unless_equivalent(page(found, shown), shown, lambda row: row | {"age_s": 0})


@routes.get("/vehicles/<given>")
@described(answer=WholeVehicle, example=WHOLE_VEHICLE)
async def show_vehicle(given: str) -> Response:
    """One vehicle, as in the list, with its profile."""
    return v1_json(await shown_vehicle(vehicle_named(given), await caller()))


async def shown_vehicle(vehicle: str, asking: Caller) -> dict[str, Any]:
    """An administrator also gets the counts of its flagged statuses, and their meaning. Raises NotFound."""
    context = here()
    row = await context.queries.vehicle(vehicle, asking.uid, context.clock() - STALE_AFTER_MS)
    if row is None:
        raise NotFound(f"vehicle {vehicle} is unknown: it has sent no status and was not set up")
    shown = vehicle_row(row, context.clock(), is_coarse=await is_coarse(vehicle))
    shown |= {"format": row.format, **shown_time("created", row.created)}
    shown["profile"] = await context.queries.profile(vehicle)
    if not asking.admin:
        return shown
    flagged = await context.queries.flagged(vehicle)
    last = await context.queries.last_flagged(vehicle, DISAGREES) if DISAGREES in flagged else None
    decoded = decode_kept(last, context.directory, context.formats) if last else None
    contradicted = decoded.unexplained if decoded else ()
    return {**shown, "flagged": flagged, "remarks": remarks(vehicle, flagged, row.kept, contradicted)}


async def asked_search() -> FleetSearch:
    """What the query says of the vehicles that are asked for. Raises BadRequest, and as `caller`."""
    asking, given = await caller(), request.args
    staleness, order, text = given.get("staleness"), given.get("sort", "id"), given.get("text")
    if staleness is not None and staleness not in STALENESS:
        raise BadRequest(f"staleness is {staleness[:40]!r}: use one of {', '.join(STALENESS)}")
    if order not in FLEET_ORDERS:
        raise BadRequest(f"sort is {order[:40]!r}: use one of {', '.join(FLEET_ORDERS)}")
    if text is not None and not 1 <= len(text) <= TEXT_MAX:
        raise BadRequest(f"text must have 1 to {TEXT_MAX} characters")
    return FleetSearch(
        uid=asking.uid,
        everyones=asking.admin,
        vehicles=await _asked_vehicles(asking, given.get("tag")),
        state=_asked_state(given.get("state")),
        staleness=staleness,
        text=text,
        order=order,
        stale_before=here().clock() - STALE_AFTER_MS,
    )


async def _asked_vehicles(asking: Caller, tag: str | None) -> frozenset[str] | None:
    """Those with the tag, and those that the caller's access token is good for; None: all. Raises BadRequest."""
    if tag is not None:
        return frozenset(await tagged_vehicles(checked_tags([tag])[0]))
    if not asking.limited:
        return None
    good = set(asking.vehicles or ())
    for named in asking.tags:
        good.update(await tagged_vehicles(named))
    return frozenset(good)


def _asked_state(text: str | None) -> int | None:
    """By its word or its number. Raises BadRequest."""
    if text is None:
        return None
    if text in STATES:
        return STATES.index(text)
    if not (text.isascii() and text.isdigit() and len(text) == 1):
        raise BadRequest(f"state is {text[:40]!r}: use one of {', '.join(STATES)}, or a number")
    return int(text)
