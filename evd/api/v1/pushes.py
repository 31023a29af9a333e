"""Pushes, `/api/v1/pushes`: what is due and what was sent, the trace of one status, a test, the operator's pause."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import trio
from quart import Blueprint, Response, request

from evd.api.context import Context, PushControl, here, vehicle_named
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.errors import BadRequest, NotFound, Unavailable
from evd.model.operations import PausePushes
from evd.model.units import DAY_MS
from evd.push.trace import TraceRules, finished, trace, waiting
from evd.store.records import FIRST_POSITION, LISTED_MAX, NUMBER_MAX, Listing, QueuePosition, WaitingPush

TEST_TIMEOUT_S = 25.0
"""The provider has `push.timeout_s` for each attempt; the command waits for 30 s."""

STATUS_ID_MAX = 64
"""Characters; an id has 16."""

TRACED_PUSHES_MAX = 1000
"""Pushes of one status."""

routes = Blueprint("pushes", __name__, url_prefix=f"{V1}/pushes")


class PushTest(msgspec.Struct, forbid_unknown_fields=True):
    vehicle: str


class TraceQuery(msgspec.Struct):
    vehicle: str | None = None
    """The status's vehicle: saves a search."""


class PushesQuery(msgspec.Struct):
    vehicle: str | None = None
    """Only pushes of this vehicle."""
    waiting: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0
    """1: only what is due."""


_HOW = {"enabled": True, "paused_since": 0, "held_up": "", "registered": 3, "stale": 0, "stale_after_days": 30}


@routes.get("")
@described(query=PushesQuery, answer=dict[str, Any], listed=LISTED_MAX, example={**_HOW, "waiting": [], "finished": []})
async def list_pushes() -> Response:
    """What is due, in the order of the next attempts, and what is finished, the newest first; each at most `limit`.

    The query may restrict it to one `vehicle`, and with `waiting=1` to what is due. The next page continues all lists.
    """
    context = here()
    vehicle = _vehicle()
    rules = await _rules(context)
    (*turns, before), limit = await asked_page((*FIRST_POSITION, *FIRST_POSITION, NUMBER_MAX))
    states_after, events_after = (turns[0], turns[1]), (turns[2], turns[3])
    states = await context.queries.states_waiting(
        unseen_since=rules.now - rules.stale_ms,
        received_after=rules.now - rules.give_up_ms,
        vehicle=vehicle,
        after=states_after,
        limit=limit + 1,
    )
    events = await context.queries.events_waiting(vehicle=vehicle, after=events_after, limit=limit + 1)
    done = []
    if not _only_waiting():
        done = await context.queries.finished_pushes(vehicle=vehicle, before=before, limit=limit + 1)
    waits = sorted([*states, *events], key=lambda row: row["at"])
    following = (
        *_last_position(waits[:limit], states, states_after),
        *_last_position(waits[:limit], events, events_after),
        done[:limit][-1]["number"] if done else before,
    )
    more = len(waits) > limit or len(done) > limit
    shown = {
        **await _how(context),
        "waiting": list(map(waiting, waits[:limit])),
        "finished": list(map(finished, done[:limit])),
    }
    return page(Listing([], following if more else None), shown)


def _last_position(given: list[WaitingPush], of: list[WaitingPush], otherwise: QueuePosition) -> QueuePosition:
    """The turn of the last one of `given` that is also in `of`."""
    these = set(map(id, of))
    last = next((row for row in reversed(given) if id(row) in these), None)
    return otherwise if last is None else (last["at"], last["place"])


@routes.get("/trace/<status_id>")
@described(
    query=TraceQuery,
    answer=dict[str, Any],
    example={"status_id": "9f86d081884c7d65", "vehicle": "386625", "received": 1764277201000},
)
async def trace_status(status_id: str) -> Response:
    """Trace one status; its `vehicle` in the query saves a search if no push of it is known."""
    queries = here().queries
    unknown = NotFound(
        f"there is no status {status_id[:STATUS_ID_MAX]!r}: it was never taken, or newer ones have evicted it"
    )
    if len(status_id) > STATUS_ID_MAX:
        raise unknown
    vehicle = _vehicle() or await queries.vehicle_of(status_id)
    if vehicle is None:
        raise unknown
    status = await queries.traced_status(vehicle, status_id)
    pushed = await queries.finished_pushes(vehicle=vehicle, status_id=status_id, limit=TRACED_PUSHES_MAX)
    events = await queries.events_waiting(vehicle=vehicle, status_id=status_id, limit=TRACED_PUSHES_MAX)
    if status is None and not pushed and not events:
        raise unknown
    phones = await queries.traced_phones(vehicle)
    return v1_json(
        trace(
            vehicle=vehicle,
            status_id=status_id,
            status=status,
            phones=phones,
            pushed=pushed,
            events=events,
            rules=await _rules(here()),
        )
    )


@routes.post("/test")
@described(
    body=PushTest,
    body_example={"vehicle": "386625"},
    answer=dict[str, Any],
    example={
        "vehicle": "386625",
        "phones": [{"token": "c2Fs…", "kind": "token", "taken": True, "said": "projects/p/messages/1", "ms": 140}],
    },
)
async def test_vehicle() -> Response:
    """Send the vehicle's last status to each of its phones at once, before all due pushes, also while paused."""
    wish = await read_form(PushTest)
    vehicle = vehicle_named(wish.vehicle)
    control = _control(here())
    with trio.move_on_after(TEST_TIMEOUT_S):
        phones = await control.test(vehicle)
        if not phones:
            raise NotFound(
                f"no phone is registered for vehicle {vehicle}: its app does that at log-in, or when it starts"
            )
        return v1_json({"vehicle": vehicle, "phones": phones})
    raise Unavailable(f"the provider did not answer within {TEST_TIMEOUT_S:.0f} s: try again later", retry_after_s=30)


@routes.post("/pause")
@described(answer=dict[str, Any], example={**_HOW, "paused_since": 1764277200000})
async def pause() -> Response:
    """Start no more pushes, also after a restart."""
    return await _pause(True)


@routes.post("/resume")
@described(answer=dict[str, Any], example=_HOW)
async def resume() -> Response:
    """Start pushes again."""
    return await _pause(False)


async def _pause(paused: bool) -> Response:
    """Write it to disk first, so that it survives a restart; a repetition changes nothing."""
    context = here()
    was = (await context.queries.push_facts(0))["paused_since"]
    if bool(was) != paused:
        await context.writer.write(PausePushes(paused, context.clock()))
    if context.pushes is not None:
        context.pushes.pause(paused)
    return v1_json(await _how(context))


async def _how(context: Context) -> dict[str, Any]:
    """The state of pushes, which is part of every answer about them."""
    stale_ms = context.config.push.stale_after_days * DAY_MS
    facts = await context.queries.push_facts(context.clock() - stale_ms)
    return {
        "enabled": context.pushes is not None,
        "paused_since": facts["paused_since"],
        "held_up": context.pushes.state().pause_text if context.pushes is not None else "",
        "registered": facts["registrations"],
        "stale": facts["stale"],
        "stale_after_days": context.config.push.stale_after_days,
    }


async def _rules(context: Context) -> TraceRules:
    push, now = context.config.push, context.clock()
    facts = await context.queries.push_facts(now)
    return TraceRules(
        now=now,
        stale_ms=push.stale_after_days * DAY_MS,
        give_up_ms=push.give_up_after_s * 1000,
        paused_since=facts["paused_since"],
        log_from=await context.queries.push_log_from(),
        enabled=context.pushes is not None,
    )


def _control(context: Context) -> PushControl:
    if context.pushes is None:
        raise BadRequest(
            "this evd pushes nothing: set push.credentials to a Firebase service account's file, and start `evd serve`"
        )
    return context.pushes


def _vehicle() -> str | None:
    """The vehicle of the query, if any. Raises BadRequest."""
    given = request.args.get("vehicle")
    return None if given is None else vehicle_named(given)


def _only_waiting() -> bool:
    given = request.args.get("waiting", "0")
    if given not in ("0", "1"):
        raise BadRequest(f"waiting is {given[:40]!r}: it must be 0 or 1")
    return given == "1"
