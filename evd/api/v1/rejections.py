"""Rejections, `/api/v1/rejections`: the refused requests, the reasons, and their replay after a fix.

A request that a replay takes leaves the list; one that is refused again stays as it is.
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import msgspec
import orjson
from quart import Blueprint, Response

from evd.api.context import here, request_body
from evd.api.described import described, read_query
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.errors import BadRequest, NotFound, Unavailable
from evd.ingest.service import Ingest
from evd.model.operations import ForgetRejected, RestoreRejected
from evd.request.fault_place import fault_place
from evd.request.http import Reply, Request
from evd.store.records import NUMBER_MAX, Rejection, RejectionSummary
from evd.store.writer import Writer

LISTED_DEFAULT = 100
LISTED_MAX = 1_000  # rows of an answer: some hundred kB
STEP_MAX = 100  # replayed in one request; each is a commit of some milliseconds, and the command waits for 30 s

ADVICE = {
    "Body parsing error": "Correct the body template in Sigfox's callback: `evd sigfox config` shows a correct one.",
    "Missing basic attributes": "Add the missing variables: `evd sigfox config` shows a complete body template.",
    "Unknown vehicle": "`evd vehicle set ID --name …` makes it known; or set ingest.unknown_vehicle to create.",
    "Too many vehicles": "Raise ingest.vehicles_max.",
    "Time ahead": "Check whether this server's clock is right (`timedatectl`); if it is, the sender's is wrong.",
}
"""Error → what to do before a replay."""

ELSE = "Correct the format or the callback that the reason names: `evd sigfox config` shows correct callbacks."

routes = Blueprint("rejections", __name__, url_prefix=f"{V1}/rejections")


class ReplayRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The requests after number `after`, up to `through`; without it up to the newest."""

    after: Annotated[int, msgspec.Meta(ge=0, le=NUMBER_MAX)] = 0
    through: Annotated[int, msgspec.Meta(ge=0, le=NUMBER_MAX)] | None = None


class RejectionsQuery(msgspec.Struct):
    before: Annotated[int, msgspec.Meta(ge=1, le=NUMBER_MAX)] = NUMBER_MAX
    """Only smaller numbers."""
    error: str = ""
    """A part of the reason."""


class ForgottenRejection(TypedDict):
    number: int
    forgotten: bool


_REJECTED = {
    "number": 12,
    "received": 1764277200000,
    "times": 4,
    "route": "POST /sigfox/uplink",
    "error": "Body parsing error",
    "detail": "the body is no JSON",
    "body_bytes": 1,
    "client": "185.110.98.1",
}


@routes.get("")
@described(query=RejectionsQuery, answer=list[RejectionSummary], listed=LISTED_MAX, example=[_REJECTED])
async def list_rejections() -> Response:
    """The newest first; `limit`, `before` (a number) and `error` (a part of the reason) restrict the list."""
    asked = read_query(RejectionsQuery)
    after, limit = await asked_page((asked.before,), LISTED_DEFAULT, LISTED_MAX)
    return page(await here().queries.rejections(after, limit=limit, text=asked.error))


@routes.get("/<int:number>")
@described(
    answer=dict[str, Any],
    example={
        **_REJECTED,
        "headers": {"content-type": "application/json"},
        "body": "{",
        "fault": {"start": 0, "end": 1},
        "advice": ELSE,
    },
)
async def show_rejection(number: int) -> Response:
    """All that is kept: `body` if it is text, else `body_hex`.

    `fault` has the characters of `body` that the reason is about, from `start` up to `end`; null: it has no place.
    """
    row = await _row(number)
    body = row["body"]
    shown: dict[str, Any]
    try:
        text = body.decode()
        shown = {"body": text, "fault": fault_place(text, row["detail"])}
    except UnicodeDecodeError:
        shown = {"body_hex": body.hex(), "fault": None}
    advice = ADVICE.get(row["error"], ELSE)
    kept = {name: value for name, value in row.items() if name != "body"}
    return v1_json({**kept, "headers": orjson.loads(row["headers"]), **shown, "advice": advice})


@routes.delete("/<int:number>")
@described(answer=ForgottenRejection, example={"number": 12, "forgotten": True})
async def forget_rejection(number: int) -> Response:
    """Remove it from the list; for a day it can be restored."""
    if number > NUMBER_MAX or not await here().writer.write(ForgetRejected(number, here().clock())):
        raise _gone(number)
    return v1_json({"number": number, "forgotten": True})


@routes.post("/<int:number>/restore")
@described(answer=ForgottenRejection, example={"number": 12, "forgotten": False})
async def restore_rejection(number: int) -> Response:
    """Undo its removal within the last day; `number` is what it has now, another one if it came again."""
    context = here()
    restored = await context.writer.write(RestoreRejected(number, context.clock())) if number <= NUMBER_MAX else False
    if not restored:
        raise NotFound(f"no rejected request {number} was forgotten within the last day")
    return v1_json({"number": restored, "forgotten": False})


@routes.post("/<int:number>/replay")
@described(
    answer=dict[str, Any],
    example={"number": 12, "taken": True, "status": 201, "status_id": "9f86d081884c7d65", "without": []},
)
async def replay_one(number: int) -> Response:
    """`taken`, and `without`: variables that were masked when it was kept; if not taken, `error` and `detail`."""
    return v1_json(await replay(await _row(number), here().ingest, here().writer))


@routes.post("/replay")
@described(
    body=ReplayRequest,
    body_needed=False,
    body_example={"after": 0},
    answer=dict[str, Any],
    example={"results": [], "next": None, "through": 12},
)
async def replay_many() -> Response:
    """One step of a replay of all, the oldest first.

    Send it again with `next` as `after` and the same `through`, until `next` is null.
    """
    wish, queries = await _step(), here().queries
    through = wish.through
    if through is None:
        newest = (await queries.rejections(limit=1, text="")).rows
        through = newest[0]["number"] if newest else 0
    numbers = await queries.rejected_numbers(after=wish.after, through=through, limit=STEP_MAX)
    results = []
    for number in numbers:
        row = await queries.rejection(number)
        if row is not None:  # otherwise it was removed meanwhile
            results.append(await replay(row, here().ingest, here().writer))
    more = numbers[-1] if len(numbers) == STEP_MAX else None
    return v1_json({"results": results, "next": more, "through": through})


async def replay(row: Rejection, ingest: Ingest, writer: Writer) -> dict[str, Any]:
    """Process the request again. Raises Unavailable if evd can take nothing now; the list is unchanged then."""
    number = row["number"]
    try:
        reply, left_out = await ingest.replay(_request(row))
    except BadRequest as refusal:
        return {"number": number, "taken": False, "error": refusal.error, "detail": refusal.detail}
    if reply.status >= 500:
        raise Unavailable("evd cannot take callbacks now: check its log, and replay again later")
    wrong = _still_wrong(reply)
    if wrong is not None:
        return {"number": number, "taken": False, **wrong}
    await writer.write(ForgetRejected(number))
    headers = {name.lower(): value.decode("latin-1") for name, value in reply.headers}
    status_id = headers.get(b"x-status-id")
    return {"number": number, "taken": True, "status": reply.status, "status_id": status_id, "without": left_out}


def _still_wrong(reply: Reply) -> dict[str, str] | None:
    """`error` and `detail` of a refusal, or of a batch or a list of which a part is still refused (207)."""
    if reply.status < 300 and reply.status != 207:
        return None
    answer = orjson.loads(reply.body) if reply.body else {}
    lines = answer.get("rejected") or [one for one in answer.get("items", ()) if one["status"] >= 400] or [answer]
    more = f" (and {len(lines) - 1} more lines)" if len(lines) > 1 else ""
    return {
        "error": str(lines[0].get("Error", "Refused")),
        "detail": f"{lines[0].get('detail', f'answered with {reply.status}')}{more}",
    }


def _request(row: Rejection) -> Request:
    """The request as it came, without its secrets."""
    method, _, target = row["route"].partition(" ")
    path, _, query = target.partition("?")
    headers = {
        name.encode("latin-1"): str(value).encode("latin-1") for name, value in orjson.loads(row["headers"]).items()
    }
    return Request(method, path, query.encode("latin-1", "replace"), headers, row["body"], "")


async def _row(number: int) -> Rejection:
    row = await here().queries.rejection(number) if number <= NUMBER_MAX else None
    if row is None:
        raise _gone(number)
    return row


def _gone(number: int) -> NotFound:
    return NotFound(f"there is no rejected request {number}: `evd rejected list` shows them")


async def _step() -> ReplayRequest:
    try:
        return msgspec.json.decode(await request_body() or b"{}", type=ReplayRequest)
    except msgspec.DecodeError as error:
        raise BadRequest(f"the body is invalid: {error}") from None
