"""Local users, `/api/v1/users`: who may sign in with a password. For administrators."""

from __future__ import annotations

from typing import TypedDict

import msgspec
from quart import Blueprint, Response

from evd.api.context import here
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.errors import BadRequest, NotFound
from evd.model import user_id
from evd.model.operations import AddUser, LimitReached, RemoveUser, SetPassword
from evd.store.records import LISTED_MAX, UserRow

routes = Blueprint("users", __name__, url_prefix=V1)


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    uid: str
    password: str
    admin: bool = False


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    password: str


class MadeUser(TypedDict):
    uid: str
    admin: bool
    vehicles: int
    """How many vehicles this uid owns or sees already, as of an earlier user or of Firebase's."""


class ChangedPassword(TypedDict):
    uid: str
    sessions_ended: int


class RemovedUser(TypedDict):
    uid: str
    removed: bool
    vehicles: int
    """How many vehicles this uid still owns or sees: whoever gets the uid next has them."""


@routes.get("/users")
@described(
    answer=list[UserRow],
    listed=LISTED_MAX,
    example=[{"uid": "martin", "admin": False, "created": 1764277200000, "changed": 1764277200000}],
)
async def list_users() -> Response:
    """All local users."""
    return page(await here().queries.users(*await asked_page(("",), LISTED_MAX)))


@routes.post("/users")
@described(
    body=NewUser,
    body_example={"uid": "martin", "password": "correct horse battery staple"},
    answer=MadeUser,
    status=201,
    example={"uid": "martin", "admin": False, "vehicles": 0},
)
async def add_user() -> Response:
    """Add a local user, who owns and sees the vehicles that the uid has already."""
    wish, context = await read_form(NewUser), here()
    uid = checked_uid(wish.uid)
    password = await context.passwords.hash(wish.password)
    try:
        fresh = await context.writer.write(AddUser(uid, password, wish.admin, context.clock()))
    except LimitReached as error:
        raise BadRequest(str(error)) from None
    if not fresh:
        raise BadRequest(f"there is a user {uid} already: `evd user passwd` sets another password")
    return v1_json({"uid": uid, "admin": wish.admin, "vehicles": await _vehicles_of(uid)}, 201)


@routes.put("/users/<uid>/password")
@described(
    body=NewPassword,
    body_example={"password": "correct horse battery staple"},
    answer=ChangedPassword,
    example={"uid": "martin", "sessions_ended": 1},
)
async def set_password(uid: str) -> Response:
    """Set another password; the user's sessions end."""
    wish, context = await read_form(NewPassword), here()
    password = await context.passwords.hash(wish.password)
    ended = await context.writer.write(SetPassword(uid, password, context.clock()))
    if ended is False:
        raise NotFound(_unknown(uid))
    return v1_json({"uid": uid, "sessions_ended": len(ended)})


@routes.delete("/users/<uid>")
@described(answer=RemovedUser, example={"uid": "martin", "removed": True, "vehicles": 0})
async def remove_user(uid: str) -> Response:
    """Remove the user; sessions, access tokens and open invitations end. Of a user of Firebase, only these.

    Vehicles and phones stay the uid's: DELETE /api/v1/users/UID/data removes all.
    """
    if await here().writer.write(RemoveUser(uid)) is False:
        raise NotFound(_unknown(uid))
    return v1_json({"uid": uid, "removed": True, "vehicles": await _vehicles_of(uid)})


async def _vehicles_of(uid: str) -> int:
    return len(await here().queries.vehicles_of(uid))


def checked_uid(uid: str) -> str:
    """Raises BadRequest."""
    if "/" in uid:
        raise BadRequest("the id of a local user has no /: it stands in paths")
    return user_id.checked_uid(uid)


def _unknown(uid: str) -> str:
    return f"there is no user {uid[: user_id.UID_MAX]}: `evd user list` shows them"
