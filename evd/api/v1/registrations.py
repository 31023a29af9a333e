"""Registrations of phones, `/api/v1/registrations`. A user sees and changes only that user's own."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

import msgspec
from quart import Blueprint, Response, request

from evd.api.context import admitted, caller, here, vehicle_named
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.errors import BadRequest, NotFound
from evd.model.operations import Client, LimitReached, Register, Unregister
from evd.push.providers import admin_targets, user_kinds
from evd.push.trace import short
from evd.store.records import LISTED_MAX, RegistrationRow

TARGET_MAX = 4096
"""Characters; FCM documents no maximum for a registration token or an installation id."""

routes = Blueprint("registrations", __name__, url_prefix=V1)


class Target(NamedTuple):
    """A phone, by one of the two names that FCM has for it; a message is addressed to one or the other."""

    kind: Literal["token", "fid"]
    text: str


class RegistrationRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Either `token`, FCM's registration token, or `fid`, a Firebase installation id."""

    vehicle: str
    token: str | None = None
    fid: str | None = None
    register: bool = True
    uid: str | None = None
    """The phone's user, if an administrator sends the request."""


class Registered(TypedDict):
    vehicle: str
    kind: str
    """`token` or `fid`."""
    registered: bool


class RegistrationsQuery(msgspec.Struct):
    vehicle: str | None = None
    """A user must name one; an administrator need not."""


class ShownRegistration(TypedDict):
    """Times are epoch ms."""

    vehicle: str
    kind: str
    target: str
    """Whole for its user, shortened for an administrator."""
    uid: NotRequired[str]
    created: int
    renewed: int
    pushed: int | None
    """When the provider last took a push."""


@routes.post("/registrations")
@described(
    body=RegistrationRequest,
    body_example={"vehicle": "386625", "token": "c2Fs…", "uid": "martin"},
    answer=Registered,
    answers={201: (Registered, "It is registered.")},
    example={"vehicle": "386625", "kind": "token", "registered": False},
)
async def post_registration() -> Response:
    """Register the phone for the vehicle's pushes; with `"register": false`, unregister it."""
    wish = await read_form(RegistrationRequest)
    return await (_register(wish) if wish.register else _remove(wish))


@routes.delete("/registrations")
@described(
    body=RegistrationRequest,
    body_example={"vehicle": "386625", "token": "c2Fs…"},
    answer=Registered,
    example={"vehicle": "386625", "kind": "token", "registered": False},
)
async def delete_registration() -> Response:
    """Unregister a phone."""
    return await _remove(await read_form(RegistrationRequest))


@routes.get("/registrations")
@described(
    query=RegistrationsQuery,
    answer=list[ShownRegistration],
    listed=LISTED_MAX,
    example=[
        {
            "vehicle": "386625",
            "kind": "token",
            "target": "c2Fs…",
            "created": 1764277200000,
            "renewed": 1764277200000,
            "pushed": None,
        }
    ],
)
async def list_registrations() -> Response:
    """A user's own registrations, or those for the `vehicle` of the query; an administrator's are everyone's."""
    given, asking = request.args.get("vehicle"), await caller()
    if asking.admin:
        after, limit = await asked_page((0,))
        vehicle = None if given is None else vehicle_named(given)
        found = await here().queries.registrations(vehicle=vehicle, kinds=user_kinds(), after=after, limit=limit)
        return page(found, [_shown(row, whole=False) for row in found.rows])
    if given is None and asking.limited:
        raise BadRequest("the query names no vehicle: name one, as in ?vehicle=386625")
    vehicle = None if given is None else vehicle_named(given)
    if vehicle is not None:
        await admitted(vehicle)
    after, limit = await asked_page((0,))
    found = await here().queries.registrations(
        vehicle=vehicle, uid=asking.uid, kinds=user_kinds(), after=after, limit=limit
    )
    return page(found, [_shown(row, whole=True) for row in found.rows])


async def register_phone(spelling: str, target: Target, uid: str, client: Client) -> None:
    """Raises BadRequest if there are too many registrations."""
    context = here()
    try:
        await context.writer.write(
            Register(vehicle_named(spelling), spelling, target.text, uid, context.clock(), target.kind, client)
        )
    except LimitReached as error:
        raise BadRequest(str(error)) from None


def checked_target(token: object, fid: object, *, called: str) -> Target:
    """The one of the two that is given; `called` is the body's name for a token. Raises BadRequest."""
    given = {called: token, "fid": fid}
    named = [(name, text) for name, text in given.items() if text is not None]
    name, text = named[0] if len(named) == 1 else ("", None)
    if not isinstance(text, str):
        raise BadRequest(f"give either {called} or fid, as a text", error="Missing basic attributes")
    if not 1 <= len(text) <= TARGET_MAX or not text.isprintable():
        raise BadRequest(f"{name} must have 1 to {TARGET_MAX} printable characters")
    if other := next((targets for targets in admin_targets() if targets.recognizes(text)), None):
        noun = other.noun
        raise BadRequest(f"{name} is a {noun}'s {other.called}: an administrator adds {noun}s, by `evd {noun} add`")
    return Target("fid" if name == "fid" else "token", text)


async def _register(wish: RegistrationRequest) -> Response:
    target, vehicle = checked_target(wish.token, wish.fid, called="token"), vehicle_named(wish.vehicle)
    await register_phone(wish.vehicle, target, await _whose(wish, vehicle), "v1")
    return v1_json({"vehicle": vehicle, "kind": target.kind, "registered": True}, 201)


async def _remove(wish: RegistrationRequest) -> Response:
    """Unregister; the registration of another user is answered like one that does not exist."""
    target, vehicle = checked_target(wish.token, wish.fid, called="token"), vehicle_named(wish.vehicle)
    asking = await admitted(vehicle)
    uid = None if asking.admin else asking.uid
    found = await here().queries.registrations(vehicle=vehicle, uid=uid, token=target.text, kinds=user_kinds(), limit=1)
    if [row["kind"] for row in found.rows] != [target.kind] or not await here().writer.write(
        Unregister(vehicle, target.text, uid)
    ):
        raise NotFound(f"this {target.kind} is not registered for vehicle {vehicle}")
    return v1_json({"vehicle": vehicle, "kind": target.kind, "registered": False})


async def _whose(wish: RegistrationRequest, vehicle: str) -> str:
    asking = await admitted(vehicle)
    if asking.uid is not None and not asking.admin:
        if wish.uid is not None:
            raise BadRequest("uid is for administrators: a user registers only own phones")
        return asking.uid
    if wish.uid is None:
        raise BadRequest("the request names no user: an administrator's request names the phone's user, as uid")
    if await here().queries.relation(wish.uid, vehicle) is None:
        raise BadRequest(f"this user does not own vehicle {vehicle}: `evd owner add` makes the user an owner")
    return wish.uid


def _shown(row: RegistrationRow, *, whole: bool) -> dict[str, Any]:
    """Times are epoch ms; `pushed` is when the provider last took a push. Users may read their own tokens whole."""
    return {
        "vehicle": row["vehicle"],
        "kind": row["kind"],
        "target": row["token"] if whole else short(row["token"]),
        **({} if whole else {"uid": row["uid"]}),
        "created": row["created"],
        "renewed": row["renewed"],
        "pushed": row["given_at"],
    }
