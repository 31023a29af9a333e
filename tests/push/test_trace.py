"""The way of a status: of each phone it says what became of it, and when."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, ROOMY, arrival, new_store, rows
from pushed_outcomes import GOOD, OTHER, REGISTER, A, B, outcome
from registered_phones import phone

from evd.model.operations import Arrive, NewEvent, RecordEvents, Register
from evd.model.units import DAY_MS, HOUR_MS
from evd.push.trace import TraceRules, trace
from evd.store.queries import Queries
from evd.store.sqlite.read.queries import open_queries as asked

AHEAD = arrival(time=NOW + 2 * DAY_MS, seq=2)


BUSY = ROOMY._replace(rejected=10, owners=10, registrations=10, outbox=10, pushed=1)
"""With a log of one push."""


ELSEWHERE = outcome(arrival("E1"), "taken", "projects/p/messages/9", registration=9, at=NOW + 70_000)


WAYS: dict[str, tuple[list[Any], dict[str, Any], tuple[str, str]]] = {
    "not begun": ([REGISTER, A], {}, ("waiting", "")),
    "repeated later": (
        [REGISTER, A, outcome(A, "later", "FCM is unavailable", due=NOW + 9000, attempts=3)],
        {},
        ("waiting", "FCM is unavailable"),
    ),
    "paused": ([REGISTER, A], {"paused_since": NOW}, ("waiting", "pushes are paused (see `evd push resume`)")),
    "old": ([REGISTER, A], {"now": NOW + HOUR_MS}, ("given up", "not sent within push.give_up_after_s")),
    "replaced": (
        [REGISTER, A, B],
        {},
        ("replaced", f"replaced by a newer status, {B.status_id}, before it was sent"),
    ),
    "late": (
        [REGISTER, arrival(time=NOW + 60_000, seq=1, now=NOW - 1000), A],
        {},
        ("never", f"a newer status, {B.status_id}, was there before it"),
    ),
    "ahead": ([REGISTER, AHEAD], {}, ("never", "its time lay more than 24 h ahead of the server's")),
    "registered after it": (
        [A, phone("386625", GOOD, NOW + 1)],
        {},
        ("never", "the phone was registered after it came"),
    ),
    "registered with it": (
        [A, phone("386625", GOOD, NOW)],
        {},
        ("never", "it was the last one already when the phone was registered"),
    ),
    "stale": (
        [phone("386625", GOOD, NOW - 31 * DAY_MS), A],
        {},
        ("never", "stale: its registration was not renewed for 31 days"),
    ),
    "never renewed, of the original's app": (
        [Register("386625", "386625", GOOD, "u", NOW - 400 * DAY_MS, client="original"), A],
        {},
        ("waiting", ""),
    ),
    "nothing is pushed": (
        [REGISTER, A],
        {"enabled": False},
        ("waiting", "this evd pushes nothing: push.credentials is not set"),
    ),
    "a webhook": ([Register("386625", "386625", GOOD, "u", NOW - 31 * DAY_MS, "webhook"), A], {}, ("waiting", "")),
    "taken": ([REGISTER, A, outcome(A, "taken", "projects/p/messages/1")], {}, ("taken", "projects/p/messages/1")),
    "failed": (
        [REGISTER, A, outcome(A, "failed", "the message is too large")],
        {},
        ("given up", "the message is too large"),
    ),
    "taken, out of the log": (
        [REGISTER, A, outcome(A, "taken", "projects/p/messages/1"), ELSEWHERE],
        {},
        ("taken", "the log holds it no more"),
    ),
    "failed, out of the log": (
        [REGISTER, A, outcome(A, "failed", "the message is too large"), ELSEWHERE],
        {},
        ("given up", "the message is too large"),
    ),
    "older than the log": (
        [REGISTER, A, outcome(A, "taken", "m/1"), B, outcome(B, "taken", "m/2", at=NOW + 62_000)],
        {},
        ("unknown", "older than the log of pushes"),
    ),
}


async def way_of(queries: Queries, status: Arrive, **rules: Any) -> dict[str, Any]:
    """As the API tells it, at a time of the test's."""
    usual = {"now": NOW + 1000, "stale_ms": 30 * DAY_MS, "give_up_ms": HOUR_MS, "paused_since": 0}
    usual |= {"log_from": await queries.push_log_from()}
    return trace(
        vehicle=status.vehicle,
        status_id=status.status_id,
        status=await queries.traced_status(status.vehicle, status.status_id),
        phones=await queries.traced_phones(status.vehicle),
        pushed=await queries.finished_pushes(status_id=status.status_id, limit=100),
        events=await queries.events_waiting(status_id=status.status_id, limit=100),
        rules=TraceRules(**usual | rules),
    )


@pytest.mark.parametrize("case", WAYS)
async def test_of_each_phone_the_trace_shows_what_became_of_the_status(database: Path, case: str) -> None:
    operations, rules, expected = WAYS[case]
    with closing(new_store(database, capacity=10, limits=BUSY)) as store:
        for operation in operations:
            store.write([operation])
        async with asked(database) as queries:
            status = AHEAD if case == "ahead" else A
            (told,) = (await way_of(queries, status, **rules))["pushes"]
    assert (told["state"], told["said"], told["phone"]) == (*expected, "goodphon…")


async def test_a_trace_has_the_time_of_each_step(database: Path) -> None:
    first = outcome(A, "later", "FCM is unavailable", due=NOW + 5000, attempts=1)
    then = outcome(A, "taken", "projects/p/messages/1", at=NOW + 6000)
    with closing(new_store(database, capacity=10, limits=ROOMY)) as store:
        store.write([REGISTER, A, first])
        async with asked(database) as queries:
            waiting = await way_of(queries, A)
            store.write([then])
            taken = await way_of(queries, A)
    (push,) = waiting["pushes"]
    assert (push["attempts"], push["due"], waiting["taken"], waiting["committed"]) == (1, NOW + 5000, 0, None)
    (push,) = taken["pushes"]
    assert (push["sent"], push["answered"], push["after_ms"]) == (NOW + 5970, NOW + 6000, 6000)
    times = [taken[name] for name in ("measured", "received", "committed")]
    assert (times, taken["taken"], taken["registered"]) == ([NOW, NOW, NOW + 7], 1, 1)


async def test_events_that_a_status_showed_are_in_its_trace(database: Path) -> None:
    event = NewEvent("charge_reached", NOW, A.status_id, b"{}")
    sent = outcome(A, "taken", "projects/p/messages/2", what="charge_reached", outbox=1, token=OTHER, registration=2)
    with closing(new_store(database, capacity=10, limits=ROOMY)) as store:
        store.write([REGISTER, phone("386625", OTHER, NOW - HOUR_MS), A])
        store.write([RecordEvents("386625", b"{}", (event,), NOW)])
        waits = rows(database, "SELECT number, registration FROM outbox ORDER BY number")
        store.write([sent] if waits else [])
        async with asked(database) as queries:
            pushes = (await way_of(queries, A))["pushes"]
    assert len(waits) == 2
    assert [(push["phone"], push["what"], push["state"]) for push in pushes] == [
        ("otherpho…", "charge_reached", "taken"),
        ("goodphon…", "state", "waiting"),
        ("otherpho…", "state", "waiting"),
        ("otherpho…", "charge_reached", "waiting"),
    ]


async def test_a_status_whose_push_outlived_it_is_traced_without_it(database: Path) -> None:
    """The ring keeps one status only."""
    with closing(new_store(database, capacity=1, limits=ROOMY)) as store:
        store.write([REGISTER, A])
        store.write([outcome(A, "taken", "projects/p/messages/1")])
        store.write([B])
        async with asked(database) as queries:
            assert await queries.vehicle_of(A.status_id) == "386625"
            told = await way_of(queries, A)
    assert (told["measured"], told["received"], told["committed"]) == (None, None, NOW + 7)
    assert [push["after_ms"] for push in told["pushes"]] == [None]
