"""Events, `/api/v1`: what happened to vehicles, a vehicle's event settings, and a user's preferences.

An administrator has access to any vehicle and any user; the app to its user and that user's vehicles. It does not learn
whether another vehicle exists.
"""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
from quart import Blueprint, Response, request

from evd.api.context import caller, here, request_body
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.errors import BadRequest, NotFound
from evd.model import event_settings
from evd.model import preferences as user_preferences
from evd.model.event_settings import KINDS, VehicleEventSettings
from evd.model.operations import LimitReached, SetEventSettings, SetPreferences, UnknownVehicle
from evd.model.status import vehicle_id

UID_MAX = 256
"""Characters; Firebase's have 28, and 128 at most."""

routes = Blueprint("events", __name__, url_prefix=V1)


@routes.get("/vehicles/<given>/events")
async def events_of_vehicle(given: str) -> Response:
    """The newest first; the query may restrict them to one `kind`, and to numbers below `before`."""
    vehicle = vehicle_id(given)
    return page(await here().queries.events(vehicle=vehicle, **await _asked()))


@routes.get("/events")
async def events_of_all() -> Response:
    """The events of all vehicles, for the app of its user's vehicles; as for one vehicle."""
    asking = await caller()
    uid = None if asking.admin else asking.uid
    return page(await here().queries.events(uid=uid, **await _asked()))


@routes.get("/vehicles/<given>/alerts")
async def event_settings_of_vehicle(given: str) -> Response:
    """The vehicle's settings, with the defaults for what is not set."""
    vehicle = vehicle_id(given)
    known, settings = await here().queries.event_settings_of(vehicle)
    if not known:
        raise _unknown(vehicle)
    return v1_json(_shown(event_settings.read(settings)))


@routes.put("/vehicles/<given>/alerts")
async def set_event_settings(given: str) -> Response:
    """Members that are missing are set to their defaults; null resets all."""
    vehicle = vehicle_id(given)
    document = await _document()
    settings = VehicleEventSettings() if document is None else event_settings.parse(document)
    stored = None if document is None else msgspec.json.encode(settings)
    try:
        await here().writer.write(SetEventSettings(vehicle, stored))
    except UnknownVehicle:
        raise _unknown(vehicle) from None
    return v1_json(_shown(settings))


@routes.get("/preferences")
async def preferences() -> Response:
    """The preferences of the requesting user; an administrator names one by `uid`."""
    settings = await here().queries.preferences_of(await _named_user())
    return v1_json(msgspec.to_builtins(user_preferences.read(settings)))


@routes.put("/preferences")
async def set_preferences() -> Response:
    """Members that are missing are set to their defaults."""
    uid, context = await _named_user(), here()
    wished = user_preferences.parse(await _document())
    try:
        await context.writer.write(SetPreferences(uid, msgspec.json.encode(wished), context.clock()))
    except LimitReached as error:
        raise BadRequest(str(error)) from None
    return v1_json(msgspec.to_builtins(wished))


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
