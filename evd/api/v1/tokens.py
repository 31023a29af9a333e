"""Personal access tokens, `/api/v1/tokens`: what users give their programs (evd.auth.access_tokens)."""

from __future__ import annotations

from typing import Any, TypedDict

import msgspec
from quart import Blueprint, Response, request

from evd.api.context import caller, here, vehicle_named
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.api.v1.admin import checked_name
from evd.auth.access_tokens import VEHICLES_MAX, checked_scopes, new_token, require_ingest_vehicles
from evd.errors import BadRequest, NotFound
from evd.model.operations import AddToken, LimitReached, NotOwner, RevokeToken
from evd.model.units import DAY_MS
from evd.model.user_id import checked_uid
from evd.store.records import LISTED_MAX, AccessTokenRow

TAG_MAX = 64
"""Characters of a tag."""

EXPIRES_DAYS_MAX = 3650

routes = Blueprint("tokens", __name__, url_prefix=V1)


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    scopes: list[str]
    name: str = ""
    vehicles: list[str] | None = None
    """None, and no tags: all of the user's."""
    tags: list[str] = []
    expires_days: float | None = None
    """None: it does not expire."""
    uid: str | None = None
    """The token's user, if an administrator makes it."""


class MadeToken(TypedDict):
    id: str
    uid: str
    name: str
    scopes: list[str]
    vehicles: list[str] | None
    tags: list[str]
    expires: int | None
    token: str
    """Shown only here."""


class TokensQuery(msgspec.Struct):
    uid: str | None = None
    """The user that an administrator asks about."""


class RevokedToken(TypedDict):
    id: str
    revoked: bool


@routes.post("/tokens")
@described(
    body=NewToken,
    body_example={"scopes": ["read"], "name": "sheet", "vehicles": ["386625"]},
    answer=MadeToken,
    status=201,
    example={
        "id": "k7Qm2x",
        "uid": "martin",
        "name": "sheet",
        "scopes": ["read"],
        "vehicles": ["386625"],
        "tags": [],
        "expires": None,
        "token": "evd_…",
    },
)
async def create_token() -> Response:
    """Make a token; its text is shown only in this answer."""
    wish, context = await read_form(NewToken), here()
    uid = await _whose(wish.uid)
    scopes = checked_scopes(wish.scopes)
    vehicles, tags = _limits(wish)
    require_ingest_vehicles(scopes, vehicles or (), tags)
    now, days = context.clock(), wish.expires_days
    if days is not None and not 0 < days <= EXPIRES_DAYS_MAX:
        raise BadRequest(f"expires_days is {days:g}: it must be above 0 and at most {EXPIRES_DAYS_MAX}")
    expires = None if days is None else now + round(days * DAY_MS)
    text, token_id, digest = new_token()
    made = AddToken(token_id, digest, uid, checked_name(wish.name), scopes, vehicles, tags, now, expires)
    try:
        result = await context.writer.write(made)
    except (LimitReached, NotOwner) as error:
        raise BadRequest(str(error)) from None
    assert isinstance(result, tuple)
    shown = {"id": token_id, "uid": uid, "name": wish.name, "scopes": sorted(scopes), "expires": expires}
    limits = {"vehicles": None if vehicles is None else sorted(vehicles), "tags": sorted(tags)}
    return v1_json({**shown, **limits, "token": text}, 201)


@routes.get("/tokens")
@described(
    query=TokensQuery,
    answer=list[AccessTokenRow],
    listed=LISTED_MAX,
    example=[
        {
            "id": "k7Qm2x",
            "uid": "martin",
            "name": "sheet",
            "scopes": ["read"],
            "vehicles": ["386625"],
            "tags": [],
            "created": 1764277200000,
            "expires": None,
            "used": None,
        }
    ],
)
async def list_tokens() -> Response:
    """A user's own tokens; an administrator sees all, or those of the query's `uid`."""
    after, limit = await asked_page((-1, ""), LISTED_MAX)
    uid = await _whose(request.args.get("uid"), everybody=True)
    return page(await here().queries.access_tokens(after, limit, uid=uid))


@routes.delete("/tokens/<given>")
@described(answer=RevokedToken, example={"id": "k7Qm2x", "revoked": True})
async def revoke_token(given: str) -> Response:
    """Revoke at once; `given` is the token's id."""
    uid = await _whose(None, everybody=True)
    if not await here().writer.write(RevokeToken(given, uid)):
        raise NotFound(f"there is no access token {given[:40]!r}: `evd token list` shows them")
    return v1_json({"id": given, "revoked": True})


async def _whose(named: str | None, *, everybody: bool = False) -> Any:
    """The uid that the request is about: the user's own, or the one that an administrator names; None for everybody's.

    Raises BadRequest.
    """
    asking = await caller()
    if not asking.admin:
        if named is not None and named != asking.uid:
            raise BadRequest("uid is for administrators: a user has only own tokens")
        return asking.uid
    if named is None and not everybody and asking.uid is None:
        raise BadRequest("the request names no user: an administrator's request names the token's user, as uid")
    return checked_uid(named) if named is not None else (None if everybody else asking.uid)


def _limits(wish: NewToken) -> tuple[frozenset[str] | None, frozenset[str]]:
    """Vehicles in normal form, and tags. Raises BadRequest."""
    vehicles, tags = wish.vehicles, frozenset(wish.tags)
    if len(vehicles or ()) > VEHICLES_MAX or len(tags) > VEHICLES_MAX:
        raise BadRequest(f"a token may name {VEHICLES_MAX} vehicles and {VEHICLES_MAX} tags at most")
    if any(not 1 <= len(tag) <= TAG_MAX or not tag.isprintable() for tag in tags):
        raise BadRequest(f"a tag has 1 to {TAG_MAX} printable characters")
    if vehicles is None and not tags:
        return None, tags
    return frozenset(vehicle_named(one) for one in vehicles or ()), tags
