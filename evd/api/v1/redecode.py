"""Decoding kept statuses again, `/api/v1`, in bounded steps: a preview of what changes, and the change itself.

Both routes take the same body and do one step; `next` is the cursor of the next step, null at the end. Each step reads
and decides again, so it may be repeated, and the change never depends on an outdated preview.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import trio
from quart import Blueprint, Response

from evd.api.context import here
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.named_vehicles import named_vehicles
from evd.api.replies import V1, v1_json
from evd.errors import BadRequest
from evd.ingest.redecode import Redecoded, redecode, summary
from evd.model.kept_status import KeptStatus
from evd.model.operations import Redecode, Several
from evd.model.status import TIME_MAX_MS
from evd.store.records import PageLimit, TimeSpan

STATUSES_A_STEP = 500
"""About 20 ms of the loop, in parts between which callbacks are answered."""

BYTES_A_STEP = 4 * 1024 * 1024
"""Bytes read; statuses may be as long as a body."""

VEHICLES_A_STEP = 200
"""Each is a read of the database, which takes most of a millisecond."""

STEP_S = 5.0
"""A step that took so long ends after its current vehicle; the command waits for 30 s."""

WRITTEN_AT_ONCE = 100
"""Statuses in one transaction: a few ms, in which no callback is answered."""

DECIDED_AT_ONCE = 50
"""Statuses before callbacks have their turn: about 2 ms."""

NAMED_MAX = 100
"""Vehicles that a request may name; a request for more names none, which means all."""

Cursor = tuple[str, int, int, str]
"""(vehicle, time, seqNumber or -1, id) of the last status that was read."""

BEHIND_ALL = (TIME_MAX_MS + 1, -1, "")

routes = Blueprint("redecoding", __name__, url_prefix=V1)


class RedecodeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Times are epoch ms, both included; without `vehicles`, all vehicles."""

    since: int
    until: int = TIME_MAX_MS
    vehicles: list[str] | None = None
    cursor: Cursor | None = None


class RedecodeStep(NamedTuple):
    found: list[KeptStatus]
    passed: int
    """Vehicles that are finished."""
    following: Cursor | None


_STEP = {
    "read": 20,
    "passed": 1,
    "changed": 1,
    "vehicles": ["386625"],
    "fields": {"current_charge": 1},
    "examples": [{"vehicle": "386625", "time": 1764277200000, "field": "current_charge", "old": 7, "new": 76}],
    "next": None,
    "of": 1,
}


@routes.post("/redecode/preview")
@described(
    body=RedecodeRequest,
    body_example={"since": 1764277200000, "vehicles": ["386625"]},
    answer=dict[str, Any],
    example=_STEP,
)
async def preview() -> Response:
    """What would change in this step; the first step also has the number of vehicles (`of`)."""
    _, shown = await _step()
    return v1_json(shown)


@routes.post("/redecode")
@described(
    body=RedecodeRequest,
    body_example={"since": 1764277200000, "vehicles": ["386625"]},
    answer=dict[str, Any],
    example={**_STEP, "written": 1, "gone": 0},
)
async def apply() -> Response:
    """Apply the changes. `gone` counts the statuses that left their rings since they were read."""
    changes, shown = await _step()
    written = 0
    for first in range(0, len(changes), _at_once()):
        part = [_operation(change) for change in changes[first : first + _at_once()]]
        results = await here().writer.write(Several(tuple(part)))
        written += sum(result is True for result in results)
    return v1_json({**shown, "written": written, "gone": len(changes) - written})


async def _step() -> tuple[list[Redecoded], dict[str, Any]]:
    """The changes of this step, and their summary."""
    wish, context = await read_form(RedecodeRequest), here()
    named = await _named(wish)
    step = await _read(wish, named)
    changes = []
    for number, kept in enumerate(step.found):
        if number % DECIDED_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        change = redecode(kept, context.directory, context.formats)
        if change is not None:
            changes.append(change)
    shown = {"read": len(step.found), "passed": step.passed, **summary(changes), "next": step.following}
    if wish.cursor is None:
        shown["of"] = len(named) if named is not None else (await context.queries.counts())["vehicles"]
    return changes, shown


async def _named(wish: RedecodeRequest) -> list[str] | None:
    """The named vehicles, sorted. Raises BadRequest."""
    if wish.vehicles is None:
        return None
    if not 1 <= len(wish.vehicles) <= NAMED_MAX:
        raise BadRequest(f"{len(wish.vehicles)} vehicles are named: name 1 to {NAMED_MAX}, or none for all")
    return sorted(await named_vehicles(wish.vehicles, NAMED_MAX))


async def _read(wish: RedecodeRequest, named: list[str] | None) -> RedecodeStep:
    """The next statuses. Raises BadRequest for an unknown vehicle."""
    queries, began = here().queries, trio.current_time()
    at = "" if wish.cursor is None else wish.cursor[0]
    if named is None:
        vehicles = await queries.vehicles_from(at, VEHICLES_A_STEP)
        more = len(vehicles) == VEHICLES_A_STEP
    else:
        vehicles, more = [vehicle for vehicle in named if vehicle >= at], False
    found: list[KeptStatus] = []
    size_bytes = BYTES_A_STEP
    for number, vehicle in enumerate(vehicles, 1):
        if named is not None and await queries.vehicles_from(vehicle, 1) != [vehicle]:
            raise BadRequest(f"vehicle {vehicle} is unknown: `evd vehicle list` shows the known ones")
        after = wish.cursor[1:] if wish.cursor is not None and vehicle == at else None
        room = PageLimit(STATUSES_A_STEP - len(found), size_bytes)
        rows, more_of_it = await queries.kept(TimeSpan(vehicle, wish.since, wish.until), after, room)
        found += rows
        size_bytes -= sum(len(row.document) + len(row.fields) for row in rows)
        if more_of_it or len(rows) >= room.rows or (rows and size_bytes <= 0):
            last = rows[-1]
            return RedecodeStep(found, number - 1, (vehicle, *last.sort_key))
        if number < len(vehicles) and trio.current_time() - began > STEP_S:
            return RedecodeStep(found, number, (vehicle, *BEHIND_ALL))
    return RedecodeStep(found, len(vehicles), (vehicles[-1], *BEHIND_ALL) if more else None)


def _at_once() -> int:
    """No more than the writer's queue can take beside callbacks."""
    return max(1, min(WRITTEN_AT_ONCE, here().config.ingest.queue_rows_max // 4))


def _operation(change: Redecoded) -> Redecode:
    kept = change.kept
    return Redecode(kept.vehicle, kept.status_id, kept.time, kept.seq, change.fields, change.flags)
