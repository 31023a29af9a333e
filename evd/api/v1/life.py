"""The life of vehicles and of users' data, `/api/v1`: delete, merge, ignore, forget."""

from __future__ import annotations

import msgspec
from quart import Blueprint, Response

from evd.api.context import here
from evd.api.forms import read_form
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.api.v1.sharing import require_no_body
from evd.errors import BadRequest, NotFound
from evd.model.operations import (
    DeleteVehicle,
    ForgetUser,
    IgnoreVehicle,
    Implied,
    LimitReached,
    MergeVehicle,
    UnknownVehicle,
)
from evd.model.status import vehicle_id

routes = Blueprint("life", __name__, url_prefix=V1)


class Merge(msgspec.Struct, forbid_unknown_fields=True):
    into: str


class Ignoring(msgspec.Struct, forbid_unknown_fields=True):
    ignored: bool


@routes.delete("/vehicles/<given>")
async def delete_vehicle(given: str) -> Response:
    """Delete all that is known of the vehicle; its ring is emptied within seconds, and nobody sees it meanwhile."""
    await require_no_body()
    vehicle = vehicle_id(given)
    done = await here().writer.write(DeleteVehicle(vehicle))
    if not isinstance(done, Implied):
        raise NotFound(f"nothing is known of a vehicle {vehicle}")
    return v1_json({"vehicle": vehicle, "deleted": done.counts})


@routes.post("/vehicles/<given>/merge")
async def merge_vehicle(given: str) -> Response:
    """The vehicle becomes the one named as `into`, which also gets its later callbacks."""
    vehicle, into, context = vehicle_id(given), vehicle_id((await read_form(Merge)).into), here()
    try:
        await context.writer.write(MergeVehicle(vehicle, into, context.clock()))
    except (UnknownVehicle, LimitReached) as error:
        raise BadRequest(str(error)) from None
    return v1_json({"vehicle": vehicle, "into": into, "merged": True})


@routes.put("/vehicles/<given>/ignored")
async def ignore_vehicle(given: str) -> Response:
    """The vehicle's callbacks are answered, counted and not kept; or they are kept again."""
    vehicle, wish, context = vehicle_id(given), await read_form(Ignoring), here()
    try:
        await context.writer.write(IgnoreVehicle(vehicle, wish.ignored, context.clock()))
    except LimitReached as error:
        raise BadRequest(str(error)) from None
    return v1_json({"vehicle": vehicle, "ignored": wish.ignored})


@routes.get("/ignored")
async def list_ignored() -> Response:
    """Ignored vehicles, and how many callbacks of each came since."""
    return page(await here().queries.ignored(*await asked_page(("",))))


@routes.delete("/users/<uid>/data")
async def forget_user(uid: str) -> Response:
    """Delete all that is known of the user, who need not be a local one."""
    await require_no_body()
    done = await here().writer.write(ForgetUser(uid))
    if not isinstance(done, Implied):
        raise NotFound(f"nothing is known of a user {uid[:40]!r}")
    return v1_json({"uid": uid, "deleted": done.counts})
