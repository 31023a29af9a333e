"""Signing in and out, `/api/v1/session`, and a user's sessions, `/api/v1/sessions`.

A session is a cookie that the browser keeps. What changes something needs its CSRF token, too (evd.auth.csrf).
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict
from urllib.parse import parse_qs

import msgspec
from quart import Blueprint, Response

from evd.api.callbacks import FORM
from evd.api.context import caller, client_address, here, is_secure, request_body, request_headers
from evd.api.described import JSON, described
from evd.api.forms import read_form
from evd.api.pages import asked_page, page
from evd.api.rates import count_request
from evd.api.replies import V1, v1_json
from evd.auth.api_keys import id_token
from evd.auth.caller import Caller
from evd.auth.csrf import require_own_origin
from evd.auth.sessions import COOKIE, SECURE_COOKIE, cookie_in, csrf_token, new_session
from evd.errors import BadRequest, Forbidden, NotFound, Unauthorized, Unavailable
from evd.log.logger import log
from evd.model.operations import EndSessions, OpenSession, SetPassword, Several
from evd.model.plain_text import one_line
from evd.model.units import DAY_S
from evd.model.user_id import UID_MAX
from evd.request.body import says_form
from evd.store.records import LISTED_MAX, SessionRow

CLIENT_MAX = 200
"""Characters of User-Agent that are kept; browsers' have some 120."""

routes = Blueprint("session", __name__, url_prefix=V1)


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    user: str
    password: str


class OwnPassword(msgspec.Struct, forbid_unknown_fields=True):
    old: str
    new: str


class ChangedOwn(TypedDict):
    uid: str
    sessions_ended: int
    """Others than the one that asks."""


class SignedIn(TypedDict):
    uid: str
    admin: bool
    csrf_token: str
    """For the header X-CSRF-Token."""


class ShownCaller(TypedDict):
    uid: str | None
    admin: bool
    means: str
    """`local`, `key`, `firebase`, `session`, `token` or `header`."""
    session: NotRequired[str]
    csrf_token: NotRequired[str]


class SignedOut(TypedDict):
    signed_in: bool


class ListedSession(SessionRow):
    current: bool
    """Whether it is the one that asks."""


class EndedSession(TypedDict):
    id: str
    ended: bool


class EndedSessions(TypedDict):
    ended: int
    """How many."""


@routes.post("/session")
@described(
    body=SignIn,
    body_media=(JSON, FORM),
    body_example={"user": "martin", "password": "correct horse battery staple"},
    answer=SignedIn,
    status=201,
    headers={"Set-Cookie": "The session."},
    example={"uid": "martin", "admin": False, "csrf_token": "c2Fs…"},
)
async def sign_in() -> Response:
    """Sign in with a local user's name and password (JSON or a form), or with a Firebase ID token.

    The answer sets the cookie; its body has the CSRF token. The session that the browser had before ends.
    """
    headers, context = request_headers(), here()
    require_own_origin(headers, secure=is_secure(), origins=context.config.server.cors_origins)
    token = id_token(headers)
    if token is not None:
        uid, admin, password = await context.tokens.uid(token, unrevoked=True), False, None
    else:
        uid, admin, password = await _by_password(await _given())
    return await opened_session(uid, admin=admin, password=password)


async def opened_session(uid: str, *, admin: bool, password: str | None) -> Response:
    """A new session, as an answer; `password` is the hash that the user must still have, None for one of Firebase's.

    Raises Unauthorized, TooManyRequests, Unavailable.
    """
    headers, context = request_headers(), here()
    count_request(Caller(uid, admin, "session"), context.config.app)  # its row lets in everyone, who are not counted
    cookie, session = new_session(uid, admin=admin, at=context.clock())
    client = one_line(headers.get(b"user-agent", b"").decode("latin-1"))[:CLIENT_MAX]
    at, over = session.created, context.identities.over()
    opened = OpenSession(session.session_id, session.digest, uid, admin, client, client_address(), at, over, password)
    before = context.identities.session(headers, secure=is_secure())
    ended = [EndSessions(before[0].uid, before[0].session_id)] if before else []
    (is_opened, *_) = await context.writer.write(Several((opened, *ended)))
    if is_opened is False:
        raise Unauthorized(_WRONG)
    log.info("signed in", session=session.session_id, client=client_address())
    return _with_cookie(v1_json({"uid": uid, "admin": admin, "csrf_token": csrf_token(cookie)}, 201), cookie)


async def _given() -> SignIn:
    """Raises BadRequest."""
    if not says_form(request_headers()):
        return await read_form(SignIn)
    given = parse_qs((await request_body()).decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=8)
    try:
        return msgspec.convert({name: values[0] for name, values in given.items()}, SignIn)
    except msgspec.ValidationError as error:
        raise BadRequest(f"the form is invalid: {error}") from None


_WRONG = "the user or the password is wrong"


async def _by_password(given: SignIn) -> tuple[str, bool, str]:
    """The user, whether an administrator, and the hash of the password. Raises Unauthorized, TooManyRequests,
    Unavailable.

    A wrong password and an unknown user get the same answer, after the same time.
    """
    context = here()
    found = await _proven(given) if len(given.user) <= UID_MAX else None  # no user has a longer one, and it is counted
    if found is None:
        log.warning("a sign-in was refused", client=client_address())
        raise Unauthorized(_WRONG)
    kept, admin = found
    if context.passwords.is_outdated(kept):
        old, kept = kept, await context.passwords.hash(given.password)
        await context.writer.write(SetPassword(given.user, kept, 0, ends_sessions=False, instead_of=old))
    return given.user, admin, kept


async def _proven(given: SignIn) -> tuple[str, bool] | None:
    """The hash of the user's password, and whether an administrator; None if it is wrong, or there is no such user.

    Raises TooManyRequests, Unavailable.
    """
    context, peer = here(), client_address()
    context.guesses.attempt(given.user, peer)
    try:
        found = await context.queries.password_of(given.user)
        is_right = await context.passwords.is_right(found[0] if found else None, given.password)
    except Unavailable:
        context.guesses.unchecked(given.user, peer)
        raise
    if is_right:
        context.guesses.right(given.user, peer)
    return found if is_right else None


@routes.post("/session/password")
@described(
    body=OwnPassword,
    body_example={"old": "correct horse battery staple", "new": "a red wheelbarrow in the rain"},
    answer=ChangedOwn,
    example={"uid": "martin", "sessions_ended": 1},
)
async def change_password() -> Response:
    """A local user sets another password for itself; its other sessions end. Access tokens stay."""
    asking, wish, context = await caller(), await read_form(OwnPassword), here()
    uid = _uid(asking)
    found = await _proven(SignIn(uid, wish.old))
    if found is None:
        raise Forbidden("the old password is wrong, or you have none in evd")
    password = await context.passwords.hash(wish.new)
    changed = SetPassword(uid, password, context.clock(), instead_of=found[0], keeps=asking.proof)
    ended = await context.writer.write(changed)
    if ended is False:
        raise Forbidden("the password was changed meanwhile: sign in again")
    log.info("a user changed the password", client=client_address())
    return v1_json({"uid": uid, "sessions_ended": len(ended)})


@routes.get("/session")
@described(
    answer=ShownCaller,
    example={"uid": "martin", "admin": False, "means": "session", "session": "k7Qm2x", "csrf_token": "c2Fs…"},
)
async def show_session() -> Response:
    """Who asks, by whatever means; with a session also its CSRF token."""
    asking = await caller()
    shown: dict[str, Any] = {"uid": asking.uid, "admin": asking.admin, "means": asking.means}
    if asking.means == "session":
        cookie = cookie_in(request_headers(), SECURE_COOKIE if is_secure() else COOKIE)
        shown |= {"session": asking.proof, "csrf_token": csrf_token(cookie)}
    response = v1_json(shown)
    response.headers["Cache-Control"] = "no-store"
    return response


@routes.delete("/session")
@described(answer=SignedOut, example={"signed_in": False})
async def sign_out() -> Response:
    """End the asking session."""
    asking = await caller()
    if asking.means != "session":
        raise NotFound("you are not signed in by a session: there is nothing to end")
    await here().writer.write(EndSessions(_uid(asking), asking.proof))
    return _with_cookie(v1_json({"signed_in": False}), "")


@routes.get("/sessions")
@described(
    answer=list[ListedSession],
    listed=LISTED_MAX,
    example=[
        {
            "id": "k7Qm2x",
            "client": "Mozilla/5.0",
            "address": "192.0.2.7",
            "created": 1764277200000,
            "seen": 1764277260000,
            "current": True,
        }
    ],
)
async def list_sessions() -> Response:
    """The user's sessions; `current` is the one that asks."""
    asking, over = await caller(), here().identities.over()
    found = await here().queries.sessions(_uid(asking), *await asked_page((-1, ""), LISTED_MAX))
    current = [row for row in found.rows if row["seen"] >= over]
    return page(found, [{**row, "current": row["id"] == asking.proof} for row in current])


@routes.delete("/sessions/<given>")
@described(answer=EndedSession, example={"id": "k7Qm2x", "ended": True})
async def end_session(given: str) -> Response:
    """End one of the user's sessions; another user's is answered as an absent one."""
    if not await here().writer.write(EndSessions(_uid(await caller()), given)):
        raise NotFound("you have no such session: GET /api/v1/sessions lists yours")
    return v1_json({"id": given, "ended": True})


@routes.delete("/sessions")
@described(answer=EndedSessions, example={"ended": 2})
async def end_sessions() -> Response:
    """End all of the user's sessions, the asking one, too."""
    ended = await here().writer.write(EndSessions(_uid(await caller())))
    return _with_cookie(v1_json({"ended": len(ended)}), "")


def _uid(asking: Caller) -> str:
    assert asking.uid is not None, "the route's row asks for a user"
    return asking.uid


def _with_cookie(response: Response, cookie: str) -> Response:
    """Set the session's cookie, or with "" remove it."""
    secure = is_secure()
    name = SECURE_COOKIE if secure else COOKIE
    age_s = here().config.auth.session_max_days * DAY_S if cookie else 0
    text = f"{name}={cookie}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
    response.headers["Set-Cookie"] = text
    response.headers["Cache-Control"] = "no-store"
    return response
