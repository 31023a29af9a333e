"""Sharing, `/api/v1`: invitations and claim codes, who may see a vehicle, and tags.

A code that an administrator makes is a claim code: whoever accepts it owns the vehicle.
"""

from __future__ import annotations

from typing import TypedDict

import msgspec
from quart import Blueprint, Response, request

from evd.api.context import caller, client_address, here, request_body, vehicle_named
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.named_vehicles import tagged_vehicles
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.auth.invitations import code_of, new_code
from evd.errors import BadRequest, NotFound
from evd.model.operations import (
    Accepted,
    AcceptInvitation,
    Invite,
    LimitReached,
    NotOwner,
    Relation,
    RemoveOwner,
    RevokeInvitation,
    TagVehicle,
    UnknownVehicle,
    UnregisterUser,
)
from evd.model.tags import checked_tags
from evd.model.units import DAY_S, MINUTE_S
from evd.store.records import LISTED_MAX, InvitationRow, OwnerRow

EXPIRES_S = (MINUTE_S, 30 * DAY_S)
"""For how long an invitation may be good: a link in an old message should open nothing."""

EXPIRES_USUALLY_S = 2 * DAY_S

ASKED_TAGS_MAX = 1_000
"""Tags that a request may add or remove."""

routes = Blueprint("sharing", __name__, url_prefix=V1)


class Invitation(msgspec.Struct, forbid_unknown_fields=True):
    relation: Relation = "viewer"
    expires_s: int = EXPIRES_USUALLY_S


class Acceptance(msgspec.Struct, forbid_unknown_fields=True):
    code: str


class Tags(msgspec.Struct, forbid_unknown_fields=True):
    add: list[str] = []
    remove: list[str] = []


class MadeInvitation(InvitationRow):
    code: str
    """Shown only here."""


class RevokedInvitation(TypedDict):
    id: str
    revoked: bool


class AcceptedInvitation(TypedDict):
    vehicle: str
    relation: Relation


class NoOwner(TypedDict):
    uid: str
    vehicle: str
    removed: bool


class UnregisteredQuery(msgspec.Struct):
    uid: str | None = None
    """The user, if an administrator asks."""


class Unregistered(TypedDict):
    uid: str
    unregistered: int
    """How many registrations."""


_INVITATION = {
    "id": "k7Qm2x",
    "vehicle": "386625",
    "relation": "viewer",
    "invited_by": "martin",
    "created": 1764277200000,
    "expires": 1764363600000,
}
_NO_OWNER = {"uid": "vera", "vehicle": "386625", "removed": True}


@routes.post("/vehicles/<given>/invitations")
@described(
    body=Invitation,
    body_example={"relation": "viewer", "expires_s": 86400},
    answer=MadeInvitation,
    status=201,
    example={**_INVITATION, "code": "k7Qm2x-…"},
)
async def invite(given: str) -> Response:
    """Make a code by which a user becomes an owner or a viewer of the vehicle, once; only this answer has it."""
    wish, context, asking = await read_form(Invitation), here(), await caller()
    if not EXPIRES_S[0] <= wish.expires_s <= EXPIRES_S[1]:
        raise BadRequest(f"expires_s is {wish.expires_s}: it must be between {EXPIRES_S[0]} and {EXPIRES_S[1]}")
    vehicle, code, now = vehicle_named(given), new_code(), context.clock()
    expires, invited_by = now + 1000 * wish.expires_s, None if asking.admin else asking.uid
    made = Invite(code.invitation_id, code.digest, vehicle, wish.relation, invited_by, now, expires)
    try:
        refusal = await context.writer.write(made)
    except (LimitReached, UnknownVehicle) as error:
        raise BadRequest(str(error)) from None
    if isinstance(refusal, NotOwner):
        raise NotFound(f"you own no vehicle {vehicle}")
    shown = {"id": code.invitation_id, "vehicle": vehicle, "relation": wish.relation, "invited_by": invited_by}
    return v1_json({**shown, "created": now, "expires": expires, "code": code.text}, 201)


@routes.get("/vehicles/<given>/invitations")
@described(answer=list[InvitationRow], listed=LISTED_MAX, example=[_INVITATION])
async def list_invitations(given: str) -> Response:
    """Invitations that have not been accepted and have not expired, without their codes."""
    after, limit = await asked_page((-1, ""))
    return page(await here().queries.invitations(vehicle_named(given), here().clock(), after, limit))


@routes.delete("/vehicles/<given>/invitations/<name>")
@described(answer=RevokedInvitation, example={"id": "k7Qm2x", "revoked": True})
async def revoke_invitation(given: str, name: str) -> Response:
    """Revoke at once; `name` is the invitation's id."""
    if not await here().writer.write(RevokeInvitation(name, vehicle_named(given))):
        raise NotFound(f"vehicle {vehicle_named(given)} has no invitation {name[:40]!r}")
    return v1_json({"id": name, "revoked": True})


@routes.post("/invitations/accept")
@described(
    body=Acceptance,
    body_example={"code": "k7Qm2x-…"},
    answer=AcceptedInvitation,
    status=201,
    example={"vehicle": "386625", "relation": "viewer"},
)
async def accept() -> Response:
    """Become an owner or a viewer by a code; one who is an owner stays one."""
    wish, context = await read_form(Acceptance), here()
    uid, peer = (await caller()).uid, client_address()
    if uid is None:
        raise BadRequest("the request names no user: a user accepts an invitation, and `evd owner add` needs none")
    context.code_guesses.attempt(uid, peer)
    code = code_of(wish.code)
    try:
        accepted = (
            await context.writer.write(AcceptInvitation(code.invitation_id, code.digest, uid, context.clock()))
            if code is not None
            else None
        )
    except LimitReached as error:
        raise BadRequest(str(error)) from None
    if not isinstance(accepted, Accepted):
        raise NotFound("this code is unknown, used, revoked or expired: ask for another one")
    context.code_guesses.right(uid, peer)
    return v1_json({"vehicle": accepted.vehicle, "relation": accepted.relation}, 201)


@routes.get("/vehicles/<given>/owners")
@described(
    answer=list[OwnerRow],
    listed=LISTED_MAX,
    example=[{"uid": "martin", "vehicle": "386625", "relation": "owner", "created": 1764277200000}],
)
async def list_owners_of_vehicle(given: str) -> Response:
    """Owners and viewers of the vehicle."""
    after, limit = await asked_page(("",))
    return page(await here().queries.owners_of(vehicle_named(given), after, limit))


@routes.delete("/vehicles/<given>/owners/<name>")
@described(answer=NoOwner, example=_NO_OWNER)
async def remove_owner_of_vehicle(given: str, name: str) -> Response:
    """The user `name` no longer owns or sees the vehicle, and gets no more pushes of it."""
    return await _removed(name, vehicle_named(given))


@routes.post("/vehicles/<given>/leave")
@described(answer=NoOwner, example=_NO_OWNER)
async def leave(given: str) -> Response:
    """The user who asks no longer owns or sees the vehicle."""
    await require_no_body()
    uid = (await caller()).uid
    if uid is None:
        raise BadRequest("the request names no user: `evd owner remove` removes an owner")
    return await _removed(uid, vehicle_named(given))


async def _removed(uid: str, vehicle: str) -> Response:
    if not await here().writer.write(RemoveOwner(uid, vehicle)):
        raise NotFound(f"{uid[:40]!r} neither owns nor sees vehicle {vehicle}")
    return v1_json({"uid": uid, "vehicle": vehicle, "removed": True})


@routes.get("/vehicles/<given>/tags")
@described(answer=list[str], example=["vans"])
async def list_tags(given: str) -> Response:
    """The tags of the vehicle."""
    return v1_json(await here().queries.tags_of(vehicle_named(given)))


@routes.patch("/vehicles/<given>/tags")
@described(body=Tags, body_example={"add": ["vans"]}, answer=list[str], example=["vans"])
async def change_tags(given: str) -> Response:
    """Add and remove tags; the answer has those that the vehicle has then."""
    wish = await read_form(Tags)
    if len(wish.add) + len(wish.remove) > ASKED_TAGS_MAX:
        raise BadRequest(f"at most {ASKED_TAGS_MAX} tags may be named at once")
    changed = TagVehicle(vehicle_named(given), checked_tags(wish.add), checked_tags(wish.remove))
    try:
        return v1_json(await here().writer.write(changed))
    except LimitReached as error:
        raise BadRequest(str(error)) from None


@routes.get("/tags/<name>")
@described(answer=list[str], example=["386625", "386626"])
async def list_tagged(name: str) -> Response:
    """The vehicles with the tag that the caller may see."""
    return v1_json(await tagged_vehicles(checked_tags([name])[0]))


@routes.delete("/registrations/all")
@described(query=UnregisteredQuery, answer=Unregistered, example={"uid": "martin", "unregistered": 3})
async def unregister_all() -> Response:
    """Unregister all phones of the user, for all vehicles; an administrator names the user by `uid`."""
    uid, named = (await caller()).uid, request.args.get("uid")
    if (await caller()).admin and named:
        uid = named
    if uid is None or named not in (None, uid):
        raise BadRequest("name the user by uid if you are an administrator, and only then")
    return v1_json({"uid": uid, "unregistered": int(await here().writer.write(UnregisterUser(uid)))})


async def require_no_body() -> None:
    """Raise BadRequest for a body, which says something that the route does not do."""
    if (await request_body()).strip() not in (b"", b"{}", b"null"):
        raise BadRequest("this request takes no body")
