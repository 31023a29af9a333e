"""The life of vehicles and of users' data, `/api/v1`: delete, merge, ignore, forget."""

from __future__ import annotations

from typing import TypedDict

import msgspec
from quart import Blueprint, Response

from evd.api.context import here
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.api.v1.images import discard, files_of
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
from evd.store.records import LISTED_MAX, IgnoredRow

routes = Blueprint("life", __name__, url_prefix=V1)


class Merge(msgspec.Struct, forbid_unknown_fields=True):
    into: str


class Ignoring(msgspec.Struct, forbid_unknown_fields=True):
    ignored: bool


class DeletedVehicle(TypedDict):
    vehicle: str
    deleted: dict[str, int]
    """Rows by table."""


class MergedVehicle(TypedDict):
    vehicle: str
    into: str
    merged: bool


class IgnoredVehicle(TypedDict):
    vehicle: str
    ignored: bool


class ForgottenUser(TypedDict):
    uid: str
    deleted: dict[str, int]
    """Rows by table."""


@routes.delete("/vehicles/<given>")
@described(answer=DeletedVehicle, example={"vehicle": "386625", "deleted": {"owners": 1, "vehicles": 1}})
async def delete_vehicle(given: str) -> Response:
    """Delete all that is known of the vehicle; its ring is emptied within seconds, and nobody sees it meanwhile."""
    await require_no_body()
    vehicle = vehicle_id(given)
    files = await files_of(vehicle)
    done = await here().writer.write(DeleteVehicle(vehicle))
    await discard(files)
    if not isinstance(done, Implied):
        raise NotFound(f"nothing is known of a vehicle {vehicle}")
    return v1_json({"vehicle": vehicle, "deleted": done.counts})


@routes.post("/vehicles/<given>/merge")
@described(
    body=Merge,
    body_example={"into": "386625"},
    answer=MergedVehicle,
    example={"vehicle": "386652", "into": "386625", "merged": True},
)
async def merge_vehicle(given: str) -> Response:
    """The vehicle becomes the one named as `into`, which also gets its later callbacks."""
    vehicle, into, context = vehicle_id(given), vehicle_id((await read_form(Merge)).into), here()
    files = await files_of(vehicle)
    try:
        await context.writer.write(MergeVehicle(vehicle, into, context.clock()))
    except (UnknownVehicle, LimitReached) as error:
        raise BadRequest(str(error)) from None
    await discard(files)
    return v1_json({"vehicle": vehicle, "into": into, "merged": True})


@routes.put("/vehicles/<given>/ignored")
@described(
    body=Ignoring,
    body_example={"ignored": True},
    answer=IgnoredVehicle,
    example={"vehicle": "386625", "ignored": True},
)
async def ignore_vehicle(given: str) -> Response:
    """The vehicle's callbacks are answered, counted and not kept; or they are kept again."""
    vehicle, wish, context = vehicle_id(given), await read_form(Ignoring), here()
    try:
        await context.writer.write(IgnoreVehicle(vehicle, wish.ignored, context.clock()))
    except LimitReached as error:
        raise BadRequest(str(error)) from None
    return v1_json({"vehicle": vehicle, "ignored": wish.ignored})


@routes.get("/ignored")
@described(
    answer=list[IgnoredRow],
    listed=LISTED_MAX,
    example=[{"vehicle": "386625", "since": 1764277200000, "callbacks": 12}],
)
async def list_ignored() -> Response:
    """Ignored vehicles, and how many callbacks of each came since."""
    return page(await here().queries.ignored(*await asked_page(("",))))


@routes.delete("/users/<uid>/data")
@described(answer=ForgottenUser, example={"uid": "martin", "deleted": {"owners": 2}})
async def forget_user(uid: str) -> Response:
    """Delete all that is known of the user, who need not be a local one."""
    await require_no_body()
    done = await here().writer.write(ForgetUser(uid))
    if not isinstance(done, Implied):
        raise NotFound(f"nothing is known of a user {uid[:40]!r}")
    return v1_json({"uid": uid, "deleted": done.counts})
