"""Events, `/api/v1`: what happened to vehicles, a vehicle's event settings, and a user's preferences.

An administrator has access to any vehicle and any user; the app to its user and that user's vehicles. It does not learn
whether another vehicle exists.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import orjson
from quart import Blueprint, Response, request

from evd.api.context import caller, here, request_body, vehicle_named
from evd.api.described import described
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.api.shown_places import hides_own_places, is_coarse
from evd.errors import BadRequest, NotFound
from evd.model import event_settings
from evd.model import preferences as user_preferences
from evd.model.coarse import coarse_values
from evd.model.event_settings import KINDS, VehicleEventSettings
from evd.model.operations import LimitReached, SetEventSettings, SetPreferences, UnknownVehicle
from evd.model.preferences import Preferences
from evd.model.user_id import UID_MAX
from evd.store.records import LISTED_MAX, NUMBER_MAX, EventRow, Listing

routes = Blueprint("events", __name__, url_prefix=V1)


class EventsQuery(msgspec.Struct):
    kind: Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(KINDS)})] | None = None
    before: Annotated[int, msgspec.Meta(ge=0, le=NUMBER_MAX)] | None = None
    """Only events with smaller numbers."""


class UserQuery(msgspec.Struct):
    uid: Annotated[str, msgspec.Meta(min_length=1, max_length=UID_MAX)] | None = None
    """The user that an administrator asks about."""


_EVENT = {
    "number": 41,
    "vehicle": "386625",
    "kind": "charge_low",
    "time": 1764277200000,
    "status_id": "9f86d081884c7d65",
    "created": 1764277201000,
    "details": {"charge": 18},
    "samples": [],
}
_PREFERENCES = {
    "kinds": {"arrived": False},
    "quiet_hours": "22:00-07:00",
    "time_zone": "Europe/Bratislava",
    "language": "sk",
}


@routes.get("/vehicles/<given>/events")
@described(query=EventsQuery, answer=list[EventRow], listed=LISTED_MAX, example=[_EVENT])
async def events_of_vehicle(given: str) -> Response:
    """The newest first; the query may restrict them to one `kind`, and to numbers below `before`."""
    vehicle = vehicle_named(given)
    return await _page(await here().queries.events(vehicle=vehicle, **await _asked()))


@routes.get("/events")
@described(query=EventsQuery, answer=list[EventRow], listed=LISTED_MAX, example=[_EVENT])
async def events_of_all() -> Response:
    """The events of all vehicles, for the app of its user's vehicles; as for one vehicle."""
    asking = await caller()
    uid = None if asking.admin else asking.uid
    return await _page(await here().queries.events(uid=uid, **await _asked()))


@routes.get("/vehicles/<given>/alerts")
@described(answer=VehicleEventSettings, example={"off": [], "low_charge": 20.0})
async def event_settings_of_vehicle(given: str) -> Response:
    """The vehicle's settings, with the defaults for what is not set."""
    vehicle = vehicle_named(given)
    known, settings = await here().queries.event_settings_of(vehicle)
    if not known:
        raise _unknown(vehicle)
    shown = _shown(event_settings.read(settings))
    if await hides_own_places(vehicle):
        shown["places"] = [coarse_values(place) for place in shown["places"]]
    return v1_json(shown)


@routes.put("/vehicles/<given>/alerts")
@described(
    body=VehicleEventSettings | None,
    body_example={"low_charge": 15, "silent_after_h": 6},
    answer=VehicleEventSettings,
    example={"low_charge": 15.0, "silent_after_h": 6.0},
)
async def set_event_settings(given: str) -> Response:
    """Members that are missing are set to their defaults; null resets all."""
    vehicle = vehicle_named(given)
    document = await _document()
    settings = VehicleEventSettings() if document is None else event_settings.parse(document)
    stored = None if document is None else msgspec.json.encode(settings)
    try:
        await here().writer.write(SetEventSettings(vehicle, stored))
    except UnknownVehicle:
        raise _unknown(vehicle) from None
    return v1_json(_shown(settings))


@routes.get("/preferences")
@described(query=UserQuery, answer=Preferences, example=_PREFERENCES)
async def preferences() -> Response:
    """The preferences of the requesting user; an administrator names one by `uid`."""
    settings = await here().queries.preferences_of(await _named_user())
    return v1_json(msgspec.to_builtins(user_preferences.read(settings)))


@routes.put("/preferences")
@described(query=UserQuery, body=Preferences, body_example=_PREFERENCES, answer=Preferences, example=_PREFERENCES)
async def set_preferences() -> Response:
    """Members that are missing are set to their defaults."""
    uid, context = await _named_user(), here()
    wished = user_preferences.parse(await _document())
    try:
        await context.writer.write(SetPreferences(uid, msgspec.json.encode(wished), context.clock()))
    except LimitReached as error:
        raise BadRequest(str(error)) from None
    return v1_json(msgspec.to_builtins(wished))


async def _page(found: Listing[EventRow]) -> Response:
    """An event has the values that were compared, of which one may be a place."""
    rows: list[Any] = []
    for row in found.rows:
        samples = row["samples"]
        if samples and await is_coarse(row["vehicle"]):
            row = {**row, "samples": [one and coarse_values(one) for one in samples]}
        rows.append(row)
    return page(found, rows)


def _shown(settings: VehicleEventSettings) -> Any:
    return msgspec.to_builtins(settings)


def _unknown(vehicle: str) -> NotFound:
    return NotFound(f"there is no vehicle {vehicle}: `evd vehicle list` and `evd owner list` show those that are known")


async def _named_user() -> str:
    """Raises BadRequest, and as `caller`."""
    asking, named = await caller(), request.args.get("uid")
    if asking.uid is not None and named in (None, asking.uid):
        return asking.uid
    if not asking.admin:
        raise BadRequest("uid names another user: only an administrator may do that")
    if not named or len(named) > UID_MAX:
        raise BadRequest("the query names no user: an administrator names one, as in ?uid=martin")
    return named


async def _document() -> Any:
    try:
        return orjson.loads(await request_body())
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON ({error}): send an object") from None


async def _asked() -> dict[str, Any]:
    """`kind`, `before` and `limit` of the query. Raises BadRequest."""
    kind, before = request.args.get("kind"), request.args.get("before", str(2**63 - 1))
    if kind is not None and kind not in KINDS:
        raise BadRequest(f"there is no kind {kind[:40]!r}: use one of {', '.join(KINDS)}")
    if not (before.isascii() and before.isdigit() and len(before) <= 19 and int(before) < 1 << 63):
        raise BadRequest(f"before is {before[:40]!r}: it must be the number of an event")
    (number,), limit = await asked_page((int(before),))
    return {"kind": kind, "before": number, "limit": limit}
