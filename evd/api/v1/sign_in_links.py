"""One-time sign-in links, `/api/v1/users/UID/link`: made by an administrator for a user; good once."""

from __future__ import annotations

from typing import TypedDict

import msgspec
from quart import Blueprint, Response

from evd.api.context import here, is_secure, request_headers
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.replies import V1, v1_json
from evd.api.v1.session import SignedIn, opened_session
from evd.auth.csrf import require_own_origin
from evd.errors import NotFound, Unauthorized
from evd.model.user_id import UID_MAX

routes = Blueprint("sign_in_links", __name__, url_prefix=V1)

WRONG = "this link is good no more, or was never: ask for a new one (`evd user link UID`)"


class SignInLink(TypedDict):
    uid: str
    code: str
    """Shown once. The console takes it as `/#/signin?code=CODE`."""
    expires: int


class SignInCode(msgspec.Struct, forbid_unknown_fields=True):
    code: str


_CODE = "evd_link_8aZk2P0q_…"


@routes.post("/users/<uid>/link")
@described(answer=SignInLink, status=201, example={"uid": "martin", "code": _CODE, "expires": 1764280800000})
async def make_link(uid: str) -> Response:
    """Make a link that signs a local user in, once, within an hour."""
    context = here()
    if await context.queries.password_of(uid) is None:
        raise NotFound(f"there is no user {uid[:UID_MAX]}: `evd user list` shows them")
    code, expires = context.links.make(uid, context.clock())
    response = v1_json({"uid": uid, "code": code, "expires": expires}, 201)
    response.headers["Cache-Control"] = "no-store"
    return response


@routes.post("/session/link")
@described(
    body=SignInCode,
    body_example={"code": _CODE},
    answer=SignedIn,
    status=201,
    headers={"Set-Cookie": "The session."},
    example={"uid": "martin", "admin": False, "csrf_token": "c2Fs…"},
)
async def sign_in_by_link() -> Response:
    """Sign in with the code of a link, which is good once. As POST /api/v1/session otherwise."""
    headers, context = request_headers(), here()
    require_own_origin(headers, secure=is_secure(), origins=context.config.server.cors_origins)
    uid = context.links.take((await read_form(SignInCode)).code, context.clock())
    found = None if uid is None else await context.queries.password_of(uid)
    if uid is None or found is None:
        raise Unauthorized(WRONG)
    kept, admin = found
    return await opened_session(uid, admin=admin, password=kept)
