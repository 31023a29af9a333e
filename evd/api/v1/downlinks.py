"""Downlinks, `/api/v1`: queue, list, cancel."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from quart import Blueprint, Response, request

from evd.api.context import here, vehicle_named
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.pages import asked_page, page
from evd.api.replies import V1, problem, v1_json
from evd.errors import BadRequest, ConfigError, FormatError, NotFound
from evd.model.operations import CancelDownlink, LimitReached, QueueDownlink
from evd.payload.grammar import Plan, parse
from evd.sigfox.downlinks import STATES, payload_of_fields, payload_of_hex
from evd.store.records import LISTED_MAX, NUMBER_MAX, DownlinkRow

EXPIRES_S = range(60, 31_536_001)
"""As for `sigfox.downlink_expires_s`."""

routes = Blueprint("downlinks", __name__, url_prefix=V1)


class NewDownlink(msgspec.Struct, forbid_unknown_fields=True):
    """Either `payload`, 16 hex digits, or `fields` with their `format`."""

    payload: str | None = None
    fields: dict[str, Any] | None = None
    format: str | None = None
    """A format's name or a grammar."""
    expires_s: int | None = None


class DownlinksQuery(msgspec.Struct):
    state: Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(STATES)})] | None = None


_QUEUED = {
    "number": 7,
    "vehicle": "386625",
    "payload": "0102030405060708",
    "state": "queued",
    "created": 1764277200000,
    "expires": 1764280800000,
    **dict.fromkeys(("offered", "asked_by", "asked_time", "closed", "info_code", "info")),
}


@routes.post("/vehicles/<given>/downlinks")
@described(
    body=NewDownlink,
    body_example={"payload": "0102030405060708", "expires_s": 3600},
    answer=DownlinkRow,
    status=201,
    example=_QUEUED,
)
async def queue_downlink(given: str) -> Response:
    """Queue a downlink for the vehicle's next message that asks; the vehicle may be unknown."""
    wish, context = await read_form(NewDownlink), here()
    lasts_s = context.config.sigfox.downlink_expires_s if wish.expires_s is None else wish.expires_s
    if lasts_s not in EXPIRES_S:
        raise BadRequest(f"expires_s is {lasts_s}: it must be between {EXPIRES_S[0]} and {EXPIRES_S[-1]}")
    now = context.clock()
    try:
        queued = QueueDownlink(vehicle_named(given), _payload(wish), now, now + lasts_s * 1000)
        number = await context.writer.write(queued)
    except LimitReached as error:
        raise BadRequest(str(error)) from None
    return v1_json(await _find(number), 201)


def _payload(wish: NewDownlink) -> bytes:
    if wish.payload is not None and wish.fields is None and wish.format is None:
        return payload_of_hex(wish.payload)
    if wish.payload is None and wish.fields is not None and wish.format is not None:
        return payload_of_fields(_plan(wish.format), wish.fields)
    raise BadRequest("give either the payload as hex, or fields and their format")


def _plan(text: str) -> Plan:
    """The plan of a grammar, which is not cached, or of the format of this name."""
    try:
        return parse(text) if ":" in text else here().formats.find(text).plan
    except (ConfigError, FormatError) as error:
        raise BadRequest(str(error)) from None


@routes.get("/vehicles/<given>/downlinks")
@described(query=DownlinksQuery, answer=list[DownlinkRow], listed=LISTED_MAX, example=[_QUEUED])
async def list_of_vehicle(given: str) -> Response:
    """The downlinks of one vehicle, the newest first."""
    return await _listed(vehicle_named(given))


@routes.get("/downlinks")
@described(query=DownlinksQuery, answer=list[DownlinkRow], listed=LISTED_MAX, example=[_QUEUED])
async def list_all() -> Response:
    """The downlinks of all vehicles, the newest first."""
    return await _listed(None)


async def _listed(vehicle: str | None) -> Response:
    """The newest first; the query may restrict them to one `state`."""
    state = request.args.get("state")
    if state is not None and state not in STATES:
        raise BadRequest(f"there is no state {state[:40]!r}: use one of {', '.join(STATES)}")
    after, limit = await asked_page((NUMBER_MAX,))
    queries = here().queries
    return page(await queries.downlinks(here().clock(), vehicle=vehicle, state=state, after=after, limit=limit))


@routes.delete("/downlinks/<int:number>")
@described(
    answer=DownlinkRow,
    also={409: "It is no longer queued."},
    example={**_QUEUED, "state": "cancelled", "closed": 1764277260000},
)
async def cancel_downlink(number: int) -> Response:
    """Cancel a downlink that no message has asked for yet."""
    cancelled = number <= NUMBER_MAX and await here().writer.write(CancelDownlink(number, here().clock()))
    found = await _find(number)
    if not cancelled:
        return problem(409, "Conflict", f"downlink {number} is {found['state']}: only queued ones can be cancelled")
    return v1_json(found)


async def _find(number: int) -> DownlinkRow:
    found = await here().queries.downlinks(here().clock(), number=number, limit=1) if number < NUMBER_MAX else None
    if found is None or not found.rows:
        raise NotFound(f"there is no downlink {number}: `evd downlink list` shows them")
    return found.rows[0]
