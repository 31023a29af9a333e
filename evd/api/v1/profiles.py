"""Profiles of vehicles, `/api/v1`: name, licence plate, and what energy and days are calculated from."""

from __future__ import annotations

import orjson
from quart import Blueprint, Response

from evd.api.conditional import unless_known
from evd.api.context import here, request_body, vehicle_named
from evd.api.described import described
from evd.api.replies import V1, v1_json
from evd.api.vehicle_documents import PROFILE, ProfileDocument
from evd.errors import BadRequest, NotFound
from evd.model.operations import SetProfile, UnknownVehicle
from evd.model.profile import Profile, parse_profile

routes = Blueprint("profiles", __name__, url_prefix=V1)


@routes.get("/vehicles/<given>/profile")
@described(
    answer=ProfileDocument,
    example={"vehicle": "386625", **PROFILE},
    headers={"ETag": "Of the whole profile."},
    also={304: "The client has it: If-None-Match names its ETag."},
)
async def profile(given: str) -> Response:
    """All members, null where the owner said nothing; with an ETag."""
    vehicle = vehicle_named(given)
    known, _ = await here().queries.event_settings_of(vehicle)
    if not known:
        raise _unknown(vehicle)
    return await unless_known({"vehicle": vehicle, **await here().queries.profile(vehicle)})


@routes.patch("/vehicles/<given>/profile")
@described(
    body=Profile,
    body_example={"name": "Zoe", "regNumber": "1AB 2345"},
    answer=ProfileDocument,
    example={"vehicle": "386625", **PROFILE},
)
async def change_profile(given: str) -> Response:
    """The members of the body are changed, others stay; null removes one. The answer is the whole profile."""
    vehicle = vehicle_named(given)
    try:
        change = parse_profile(orjson.loads(await request_body()))
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON ({error}): send an object") from None
    try:
        await here().writer.write(SetProfile(vehicle, change))
    except UnknownVehicle:
        raise _unknown(vehicle) from None
    return v1_json({"vehicle": vehicle, **await here().queries.profile(vehicle)})


def _unknown(vehicle: str) -> NotFound:
    return NotFound(f"there is no vehicle {vehicle}: `evd vehicle list` and `evd owner list` show those that are known")
