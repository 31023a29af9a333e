"""`/api/v1/registrations/import`: an administrator imports the phones of another system, many at a time."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import msgspec
from quart import Blueprint, Response

from evd.api.context import here, vehicle_named
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.replies import V1, v1_json
from evd.api.v1.registrations import checked_target
from evd.errors import BadRequest, EvdError
from evd.model.operations import ORIGINAL, AddOwner, Register, Several
from evd.model.user_id import checked_uid

AT_ONCE_MAX = 500
"""Registrations in one request and one transaction: some 50 ms, for which callbacks wait."""

routes = Blueprint("moving_in", __name__, url_prefix=V1)


class ImportedRegistration(msgspec.Struct, forbid_unknown_fields=True):
    """Either `token`, FCM's registration token, or `fid`, a Firebase installation id."""

    vehicle: str
    uid: str
    token: str | None = None
    fid: str | None = None


class Import(msgspec.Struct, forbid_unknown_fields=True):
    registrations: Annotated[list[Any], msgspec.Meta(max_length=AT_ONCE_MAX)]


class RefusedPhone(TypedDict):
    index: int
    error: str


class ImportedPhones(TypedDict):
    registered: int
    refused: list[RefusedPhone]


@routes.post("/registrations/import")
@described(
    body=Import,
    body_example={"registrations": [{"vehicle": "386625", "uid": "martin", "token": "c2Fs…"}]},
    answer=ImportedPhones,
    example={"registered": 1, "refused": []},
)
async def import_phones() -> Response:
    """Make each user an owner of the vehicle, and register the phone as one of the original's app; or renew it.

    What cannot be imported is in `refused` with its index; the others are imported.
    """
    wish, now = await read_form(Import), here().clock()
    refused: dict[int, str] = {}
    taken: dict[int, Several] = {}
    for index, document in enumerate(wish.registrations):
        try:
            taken[index] = _operations(document, now)
        except (BadRequest, msgspec.ValidationError) as error:
            refused[index] = str(error)
    results = await here().writer.write(Several(tuple(taken.values()))) if taken else []
    for index, result in zip(taken, results, strict=True):
        if failed := [one for one in result if isinstance(one, EvdError)]:
            refused[index] = str(failed[0])
    return v1_json(
        {
            "registered": len(wish.registrations) - len(refused),
            "refused": [{"index": index, "error": refused[index]} for index in sorted(refused)],
        }
    )


def _operations(document: Any, now: int) -> Several:
    """Raises BadRequest, msgspec.ValidationError."""
    phone = msgspec.convert(document, ImportedRegistration)
    uid = checked_uid(phone.uid)
    target, vehicle = checked_target(phone.token, phone.fid, called="token"), vehicle_named(phone.vehicle)
    register = Register(vehicle, phone.vehicle, target.text, uid, now, target.kind, ORIGINAL, displaces=False)
    return Several((AddOwner(uid, vehicle, now), register))
