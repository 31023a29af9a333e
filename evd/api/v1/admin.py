"""Administration, `/api/v1`: keys, owners, vehicles, statistics. The commands use it through the control socket."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

import msgspec
import orjson
from quart import Blueprint, Response

from evd.api.context import caller, here, request_body, vehicle_named
from evd.api.described import described
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.api.state_document import statistics
from evd.api.v1.vehicles import shown_vehicle
from evd.api.vehicle_documents import WHOLE_VEHICLE
from evd.auth.api_keys import ROLES, Key, imported_key, joined_roles, new_key
from evd.config.limits import STATUSES_PER_VEHICLE_MAX
from evd.errors import BadRequest, ConfigError, NotFound
from evd.model.operations import AddKey, AddOwner, LimitReached, Relation, RemoveOwner, ReviveKey, RevokeKey, SetVehicle
from evd.model.units import DAY_MS
from evd.model.user_id import checked_uid
from evd.store.records import LISTED_MAX, KeyRow, OwnerRow

NAME_MAX = 200

routes = Blueprint("admin", __name__, url_prefix=V1)


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    role: str
    """For an imported key also several, separated by commas."""
    name: str = ""
    vehicle: str | None = None
    secret: str | None = None
    """A key that the client already has; without it evd makes one."""


class Ownership(msgspec.Struct, forbid_unknown_fields=True):
    uid: str
    vehicle: str
    relation: Relation = "owner"


class VehicleSettings(msgspec.Struct, forbid_unknown_fields=True):
    keep: int | msgspec.UnsetType | None = msgspec.UNSET
    format: str | msgspec.UnsetType | None = msgspec.UNSET
    name: str | msgspec.UnsetType | None = msgspec.UNSET


class MadeKey(TypedDict):
    id: str
    role: str
    name: str
    vehicle: str | None
    key: NotRequired[str]
    """The key's text, if evd made it."""


class RevokedKey(TypedDict):
    id: str
    revoked: bool


class RemovedOwner(TypedDict):
    uid: str
    vehicle: str
    removed: bool


_OWNER = {"uid": "martin", "vehicle": "386625", "relation": "owner"}


@routes.get("/keys")
@described(
    answer=list[KeyRow],
    listed=LISTED_MAX,
    example=[
        {
            "id": "k7Qm2x",
            "role": "device",
            "name": "gateway",
            "vehicle": "386625",
            "created": 1764277200000,
            "revoked": None,
        }
    ],
)
async def list_keys() -> Response:
    """All keys, the revoked ones, too; never their text."""
    return page(await here().queries.keys(*await asked_page((-1, ""), LISTED_MAX)))


@routes.post("/keys")
@described(
    body=NewKey,
    body_example={"role": "device", "name": "gateway", "vehicle": "386625"},
    answer=MadeKey,
    status=201,
    example={"id": "k7Qm2x", "role": "device", "name": "gateway", "vehicle": "386625", "key": "evd_device_…"},
)
async def create_key() -> Response:
    """Make or import a key; the text of a new key is shown only in this answer.

    A secret that was imported before gains the roles that it lacks.
    """
    wish = await _body(NewKey)
    role = joined_roles([wish.role])
    if wish.vehicle is not None and role != "device":
        raise BadRequest("only a key of role device can be bound to a vehicle")
    if wish.secret is None and role not in ROLES:
        raise BadRequest("a new key has one role: only an imported key can have several")
    text, key = (None, imported_key(role, wish.secret)) if wish.secret is not None else new_key(role)
    key = key._replace(vehicle=vehicle_named(wish.vehicle) if wish.vehicle is not None else None)
    roles = await _store_key(key, checked_name(wish.name))
    shown = {"id": key.key_id, "role": roles, "name": wish.name, "vehicle": key.vehicle}
    return v1_json(shown | ({"key": text} if text else {}), 201)


async def _store_key(key: Key, name: str) -> str:
    """Store the key; returns the roles that it has now."""
    context = here()
    operation = AddKey(key.key_id, key.role, key.digest, name, key.vehicle, context.clock())
    try:
        fresh = await context.writer.write(operation)
    except LimitReached as error:
        raise BadRequest(str(error)) from None
    if not fresh:
        raise BadRequest(f"this key exists already, as {key.key_id}, perhaps revoked: use another secret")
    return fresh if isinstance(fresh, str) else key.role


@routes.delete("/keys/<given>")
@described(answer=RevokedKey, example={"id": "k7Qm2x", "revoked": True})
async def revoke_key(given: str) -> Response:
    """Revoke at once; `given` is the key's id."""
    if not await here().writer.write(RevokeKey(given, here().clock())):
        raise NotFound(f"there is no valid key {given!r}: `evd key list` shows them")
    return v1_json({"id": given, "revoked": True})


@routes.post("/keys/<given>/revive")
@described(answer=RevokedKey, example={"id": "k7Qm2x", "revoked": False})
async def revive_key(given: str) -> Response:
    """A revoked key, `given` by its id, is good again at once, for whoever has its text."""
    if not await here().writer.write(ReviveKey(given)):
        raise NotFound(f"there is no revoked key {given!r}: `evd key list` shows them")
    return v1_json({"id": given, "revoked": False})


@routes.get("/owners")
@described(answer=list[OwnerRow], listed=LISTED_MAX, example=[{**_OWNER, "created": 1764277200000}])
async def list_owners() -> Response:
    """All owners and viewers, by user and vehicle."""
    return page(await here().queries.owners(*await asked_page(("", ""), LISTED_MAX)))


@routes.post("/owners")
@described(body=Ownership, body_example=_OWNER, answer=Ownership, status=201, example=_OWNER)
async def add_owner() -> Response:
    """Make a user an owner or viewer of a vehicle, known or not."""
    wish = await _body(Ownership)
    uid = checked_uid(wish.uid)
    try:
        await here().writer.write(AddOwner(uid, vehicle_named(wish.vehicle), here().clock(), wish.relation))
    except LimitReached as error:
        raise BadRequest(str(error)) from None
    return v1_json({"uid": uid, "vehicle": vehicle_named(wish.vehicle), "relation": wish.relation}, 201)


@routes.delete("/owners")
@described(
    body=Ownership,
    body_example=_OWNER,
    answer=RemovedOwner,
    example={"uid": "martin", "vehicle": "386625", "removed": True},
)
async def remove_owner() -> Response:
    """The user owns or sees the vehicle no longer."""
    wish = await _body(Ownership)
    vehicle = vehicle_named(wish.vehicle)
    if not await here().writer.write(RemoveOwner(wish.uid, vehicle)):
        raise NotFound(f"{wish.uid} does not own vehicle {vehicle}")
    return v1_json({"uid": wish.uid, "vehicle": vehicle, "removed": True})


@routes.patch("/vehicles/<given>")
@described(
    body=VehicleSettings, body_example={"keep": 2000, "name": "blue van"}, answer=dict[str, Any], example=WHOLE_VEHICLE
)
async def set_vehicle(given: str) -> Response:
    """Set up a vehicle, known or not. Its ring is resized later; its format applies from the next message on."""
    wish, context = await _body(VehicleSettings), here()
    if isinstance(wish.keep, int) and not 1 <= wish.keep <= STATUSES_PER_VEHICLE_MAX:
        raise BadRequest(f"keep is {wish.keep}: it must be between 1 and {STATUSES_PER_VEHICLE_MAX}")
    if isinstance(wish.format, str):
        try:
            context.formats.find(wish.format)
        except ConfigError as error:
            raise BadRequest(str(error)) from None
    if isinstance(wish.name, str):
        checked_name(wish.name)
    vehicle = vehicle_named(given)
    try:
        await context.writer.write(SetVehicle(vehicle, context.clock(), wish.keep, wish.format, wish.name))
    except LimitReached as error:
        raise BadRequest(str(error)) from None
    return v1_json(await shown_vehicle(vehicle, await caller()))


@routes.get("/stats")
@described(
    answer=dict[str, Any], example={"running": True, "ready": True, "stored": {"vehicles": 12, "statuses": 11840}}
)
async def stats() -> Response:
    """What evd counts since its start, and what is stored."""
    context = here()
    push, now = context.config.push, context.clock()
    counts = await context.queries.counts()
    waiting = await context.queries.count_states_waiting(
        unseen_since=now - push.stale_after_days * DAY_MS,
        received_after=now - push.give_up_after_s * 1000,
    )
    return v1_json({**statistics(context.state()), "stored": {**counts, "states_waiting": waiting}})


async def _body(form: type[Any]) -> Any:
    try:
        return msgspec.convert(orjson.loads(await request_body()), form)
    except (orjson.JSONDecodeError, msgspec.ValidationError) as error:
        raise BadRequest(f"the body is invalid: {error}") from None


def checked_name(name: str) -> str:
    if len(name) > NAME_MAX or not name.isprintable():
        raise BadRequest(f"a name has at most {NAME_MAX} printable characters")
    return name
