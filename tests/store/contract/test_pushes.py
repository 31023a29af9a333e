"""Pushes: what waits for whom and since when, what became of each, and how far every registration is."""

from __future__ import annotations

from typing import Any

import pytest
from any_engine import AnyDatabase
from builders import NOW, ROOMY, arrival

from evd.model.operations import (
    Arrive,
    NewEvent,
    Outcome,
    Outcomes,
    PausePushes,
    PutOff,
    RecordEvents,
    Register,
    SetPreferences,
)
from evd.model.units import DAY_MS, HOUR_MS
from evd.store import records
from evd.store.records import FIRST_POSITION, NUMBER_MAX, PushedLately, TracedPhone, WaitingPush

VEHICLE = "386625"
STATUS = arrival()
SINCE = {"unseen_since": 0, "received_after": 0}


def phone(
    token: str = "t1", vehicle: str = VEHICLE, *, uid: str = "anna", at: int = NOW, kind: str = "token", **more: Any
) -> Register:
    return Register(vehicle, vehicle, token, uid, at, kind, **more)


def outcome(verdict: Any, said: str, *, registration: int = 1, outbox: int = 0, **more: Any) -> Outcomes:
    given = {"committed": NOW, "sent": NOW + 5, "at": NOW + 9, "what": "state", "status_id": STATUS.status_id}
    given |= {"vehicle": VEHICLE, "token": f"t{registration}", "kind": "token"}
    return Outcomes((Outcome(registration, outbox, verdict=verdict, said=said, **given | more),))


def event(kind: str = "charge_reached", *, vehicle: str = VEHICLE, at: int = NOW) -> RecordEvents:
    return RecordEvents(vehicle, b"{}", (NewEvent(kind, at, STATUS.status_id, b'{"percent":80}'),), at)


def waiting(database: AnyDatabase, **narrowed: Any) -> list[WaitingPush]:
    return database.ask(lambda queries: queries.states_waiting(**{"limit": 9} | SINCE | narrowed))


def states(database: AnyDatabase, **narrowed: Any) -> list[str]:
    found = waiting(database, **narrowed)
    counted = {name: value for name, value in (SINCE | narrowed).items() if name in SINCE}
    if narrowed.keys() <= SINCE.keys():
        assert database.ask(lambda queries: queries.count_states_waiting(**counted)) == len(found)
    return [row["token"] for row in found]


def traced(database: AnyDatabase, vehicle: str = VEHICLE) -> list[TracedPhone]:
    return database.ask(lambda queries: queries.traced_phones(vehicle))


# States


def test_a_registration_waits_for_the_last_status_until_it_was_given_that_one(database: AnyDatabase) -> None:
    database.write(phone("t1"), phone("t2"), STATUS)
    assert [one.given != STATUS.status_id for one in database.due.registrations_of(VEHICLE)] == [True, True]
    assert states(database) == ["t1", "t2"]
    database.write(outcome("taken", "m/1"))
    assert states(database) == ["t2"]
    database.open()
    assert states(database) == ["t2"], "after a restart, too"
    database.write(outcome("failed", "too large", registration=2))
    assert states(database) == [], "it was given up"
    database.write(arrival(time=NOW + 1))
    assert states(database) == ["t1", "t2"], "they wait for the next one"


def test_what_is_worth_no_push_does_not_wait(database: AnyDatabase) -> None:
    """A phone that is stale, unless it never becomes so; a status that came too long ago."""
    database.write(phone("t1"), phone("t2", client="original"), phone("t3", uid="w", kind="webhook"), STATUS)
    assert states(database, unseen_since=NOW) == ["t1", "t2", "t3"]
    assert states(database, unseen_since=NOW + 1) == ["t2", "t3"]
    assert states(database, received_after=NOW - 1) == ["t1", "t2", "t3"]
    assert states(database, received_after=NOW) == []


def test_waiting_states_are_listed_in_their_turn_by_pages(database: AnyDatabase) -> None:
    database.write(phone("t1"), phone("t2"), phone("t3", "B"), STATUS, arrival("B", now=NOW - 7))
    database.write(outcome("later", "503", due=NOW + 500, attempts=2))
    first, *others = waiting(database)
    assert first.keys() == records.WaitingPush.__annotations__.keys()
    assert [row["token"] for row in (first, *others)] == ["t3", "t2", "t1"]
    assert (first["vehicle"], first["what"], first["status_id"]) == ("B", "state", arrival("B").status_id)
    assert (first["at"], first["since"], first["due"], first["attempts"]) == (NOW - 7, NOW - 7, None, 0)
    last = others[-1]
    assert (last["at"], last["due"], last["attempts"], last["outcome"]) == (NOW + 500, NOW + 500, 2, "503")
    after = FIRST_POSITION
    found = []
    for _ in range(3):
        (row,) = waiting(database, after=after, limit=1)
        found.append(row["token"])
        after = (row["at"], row["place"])
    assert (found, waiting(database, after=after)) == (["t3", "t2", "t1"], [])
    assert states(database, vehicle="B") == ["t3"]


def test_what_failed_is_due_again_and_never_later_than_it_is_put_off_to(database: AnyDatabase) -> None:
    database.write(phone("t1"), phone("t2"), STATUS)
    assert (database.due.next_due(0), database.due.put_off_beyond(0)) == (None, False)
    database.write(outcome("later", "503", due=NOW + HOUR_MS, attempts=1))
    database.write(outcome("later", "503", registration=2, due=NOW + HOUR_MS - 9, attempts=3))
    assert (database.due.registrations_due(NOW + HOUR_MS - 10, 9), database.due.next_due(NOW)) == (
        [],
        NOW + HOUR_MS - 9,
    )
    due = database.due.registrations_due(NOW + HOUR_MS, 9)
    assert [(one.token, one.attempts) for one in due] == [("t2", 3), ("t1", 1)], "the longest wait first"
    assert len(database.due.registrations_due(NOW + HOUR_MS, 1)) == 1
    assert database.due.next_due(NOW + HOUR_MS - 9) == NOW + HOUR_MS
    assert database.due.put_off_beyond(NOW + 60_000)
    database.write(PutOff(NOW + 60_000))
    assert (database.due.put_off_beyond(NOW + 60_000), database.due.next_due(NOW)) == (False, NOW + 60_000)
    database.write(outcome("taken", "m/1"), outcome("taken", "m/2", registration=2))
    assert database.due.next_due(0) is None


def test_registrations_are_walked_through_by_number(database: AnyDatabase) -> None:
    database.write(*(phone(f"t{number}", f"{number}") for number in range(1, 4)), phone("t4", "1"))
    assert [one.token for one in database.due.registrations_after(1, 2)] == ["t2", "t3"]
    assert database.due.registrations_after(4, 9) == []
    assert set(database.due.vehicles()) == {"1", "2", "3"}
    database.write(*(arrival(vehicle) for vehicle in ("2", "4")))
    assert database.due.vehicles_after("", 9) == [("2", True), ("4", False)]
    assert database.due.vehicles_after("2", 1) == [("4", False)]
    (one,) = database.due.registrations_of("2")
    assert (one.number, one.kind, one.spelling, one.uid, one.renewed) == (2, "token", "2", "anna", NOW)
    assert (one.given, one.due, one.attempts, one.client) == ("", None, 0, "v1")


def test_the_last_status_is_read_for_a_push(database: AnyDatabase) -> None:
    database.write(STATUS, arrival("B"))
    last = database.due.last_of(VEHICLE)
    assert last is not None and (last.status_id, last.fields) == (STATUS.status_id, STATUS.fields)
    assert database.due.last_of("C") is None


# Events


def test_an_event_waits_until_it_was_taken_or_given_up_and_later_where_it_failed(database: AnyDatabase) -> None:
    database.write(phone(), event("a"), event("b", at=NOW + 1), event("c", at=NOW + 2))
    one, two, three = database.due.events_due(NUMBER_MAX, 9)
    later = {"due": NOW + HOUR_MS, "attempts": 1, "expires": NOW + 9 * HOUR_MS}
    database.write(
        outcome("taken", "m/1", outbox=one.number, what="a"),
        outcome("failed", "too large", outbox=two.number, what="b"),
        outcome("later", "503", outbox=three.number, what="c", **later),
    )
    assert database.due.events_due(NOW + HOUR_MS - 1, 9) == []
    (left,) = database.due.events_due(NOW + HOUR_MS, 9)
    assert (left.number, left.attempts, left.expires) == (three.number, 1, NOW + 9 * HOUR_MS)
    assert database.due.next_due(NOW) == NOW + HOUR_MS
    assert traced(database)[0]["given_at"] == NOW + 9, "a provider took something"
    database.write(PutOff(NOW + 60_000))
    assert database.due.next_due(NOW) == NOW + 60_000


def test_an_event_that_waits_for_the_end_of_quiet_hours_is_no_retry(database: AnyDatabase) -> None:
    night = b'{"quiet_hours": "22:00-07:00", "time_zone": "UTC"}'  # NOW is 22:13:20 UTC
    database.write(phone(), SetPreferences("anna", night, NOW), event())
    due = database.due.next_due(NOW)
    assert due is not None and due > NOW + 8 * HOUR_MS
    assert not database.due.put_off_beyond(NOW + 1)
    database.write(PutOff(NOW + 1))
    assert database.due.next_due(NOW) == due


def test_waiting_events_are_listed_in_their_turn_by_pages(database: AnyDatabase) -> None:
    database.write(phone("t1"), phone("t2"), phone("t3", "B"), event(), event(vehicle="B", at=NOW - 7))
    (number, *_) = [one.number for one in database.due.events_due(NUMBER_MAX, 9) if one.registration.token == "t1"]
    database.write(outcome("later", "503", outbox=number, due=NOW + 500, attempts=2))

    def events(**asked: Any) -> list[WaitingPush]:
        return database.ask(lambda queries: queries.events_waiting(**{"limit": 9} | asked))

    found = events()
    assert found[0].keys() == records.WaitingPush.__annotations__.keys()
    assert [row["token"] for row in found] == ["t3", "t2", "t1"]
    assert (found[2]["what"], found[2]["at"], found[2]["attempts"]) == ("charge_reached", NOW + 500, 2)
    assert events(after=(found[0]["at"], found[0]["place"]), limit=1) == found[1:2]
    assert (events(vehicle="B"), events(status_id=STATUS.status_id), events(status_id="x")) == (found[:1], found, [])


# What became of them


def test_finished_pushes_are_kept_the_newest_first(database: AnyDatabase) -> None:
    database.limit(pushed=3)
    assert database.ask(lambda queries: queries.push_log_from()) == 0
    database.write(phone(), *(outcome("taken", f"m/{number}") for number in range(3)))
    assert database.ask(lambda queries: queries.push_log_from()) == 0, "it has the first push"
    database.write(outcome("failed", "too large", committed=None), outcome("taken", "m/4", vehicle="B", status_id="s"))
    assert database.ask(lambda queries: queries.push_log_from()) == NOW + 9

    def finished(**asked: Any) -> list[Any]:
        return database.ask(lambda queries: queries.finished_pushes(**{"limit": 9} | asked))

    found = finished()
    assert [(row["number"], row["outcome"]) for row in found] == [(5, "m/4"), (4, "too large"), (3, "m/2")]
    assert found[0].keys() == records.FinishedPush.__annotations__.keys()
    assert [(row["taken"], row["committed"]) for row in found] == [(1, NOW), (0, None), (1, NOW)]
    assert (finished(vehicle="B"), finished(status_id="s"), finished(vehicle="C")) == (found[:1], found[:1], [])
    assert finished(before=5, vehicle=VEHICLE, limit=1) == found[1:2]


def test_a_lowered_log_keeps_the_newest_across_a_restart(database: AnyDatabase) -> None:
    database.write(phone(), Outcomes(tuple(outcome("taken", f"m/{n}").outcomes[0] for n in range(10))))
    database.limit(pushed=3)
    database.write(*(outcome("taken", f"after {n}") for n in range(3)))
    found = database.ask(lambda queries: queries.finished_pushes(limit=9))
    assert [row["outcome"] for row in found] == ["after 2", "after 1", "after 0"]


def test_what_is_to_be_tried_again_is_not_finished(database: AnyDatabase) -> None:
    database.write(phone(), outcome("later", "503", due=NOW + 1, attempts=1))
    assert database.ask(lambda queries: queries.finished_pushes(limit=9)) == []


def test_a_phone_says_how_far_it_is(database: AnyDatabase) -> None:
    database.write(phone("t1"), phone("t2", client="original"), phone("t3", uid="w", kind="webhook"), STATUS)
    database.write(outcome("taken", "m/1"), outcome("later", "503", registration=2, due=NOW + 500, attempts=2))
    database.write(outcome("failed", "too large", registration=3, kind="webhook"))
    found = traced(database)
    assert found[0].keys() == records.TracedPhone.__annotations__.keys()
    assert [(row["token"], row["kind"], row["goes_stale"]) for row in found] == [
        *(("t1", "token", 1), ("t2", "token", 0), ("t3", "webhook", 0))
    ]
    names = ("given", "given_at", "due", "attempts", "outcome")
    assert [tuple(row[name] for name in names) for row in found] == [  # type: ignore[literal-required]
        (STATUS.status_id, NOW + 9, None, 0, ""),
        ("", None, NOW + 500, 2, "503"),
        (STATUS.status_id, None, None, 0, "too large"),
    ]
    assert traced(database, "B") == []


# The operator


def test_pushes_are_paused_and_go_on_also_after_a_restart(database: AnyDatabase) -> None:
    assert database.due.paused_since() == 0
    database.write(PausePushes(True, NOW))
    database.open()
    assert database.due.paused_since() == NOW
    assert database.ask(lambda queries: queries.push_facts(0))["paused_since"] == NOW
    database.write(PausePushes(False, NOW))
    assert database.due.paused_since() == 0


def test_phones_are_counted_and_the_stale_ones(database: AnyDatabase) -> None:
    database.write(phone("t1", at=1), phone("t2", at=NOW), phone("t3", at=1, client="original"))
    database.write(phone("t4", at=1, uid="w", kind="webhook"))
    facts = database.ask(lambda queries: queries.push_facts(NOW))
    assert facts == {"paused_since": 0, "registrations": 4, "stale": 1}


WEEK_AGO, TODAY = NOW - 7 * DAY_MS, NOW - 2 * HOUR_MS
RECENT, OLD = phone(at=NOW - HOUR_MS), phone(at=NOW - 31 * DAY_MS)
COUNTED = [
    pytest.param(OLD, NOW - DAY_MS, NOW, "taken", (1, 0), id="not renewed"),
    pytest.param(OLD, WEEK_AGO, NOW, "taken", (0, 0), id="nor taken for a week"),
    pytest.param(OLD, NOW - DAY_MS, None, "taken", (0, 0), id="its vehicle is silent"),
    pytest.param(RECENT, NOW - DAY_MS, TODAY, "taken", (0, 1), id="forgotten by evd"),
    pytest.param(RECENT, NOW - DAY_MS, NOW - 60_000, "taken", (0, 0), id="still to be sent"),
    pytest.param(RECENT, NOW - DAY_MS, TODAY, "failed", (0, 0), id="refused last"),
    pytest.param(phone(at=1, kind="webhook"), NOW - DAY_MS, TODAY, "taken", (0, 0), id="a webhook"),
    pytest.param(phone(at=1, client="original"), NOW - DAY_MS, TODAY, "taken", (0, 1), id="the original's app"),
]


@pytest.mark.parametrize(("registered", "taken_at", "spoke_at", "verdict", "counted"), COUNTED)
def test_phones_that_had_pushes_lately_and_have_none_now_are_counted_by_the_reason(
    database: AnyDatabase, registered: Register, taken_at: int, spoke_at: int | None, verdict: str, counted: Any
) -> None:
    database.write(registered, phone("t2", "B", at=NOW))
    database.write(outcome("taken", "m/1", at=taken_at, kind=registered.kind))
    if verdict == "failed":
        database.write(outcome("failed", "too large", status_id="another"))
    database.write(*([arrival(time=spoke_at, seq=7, now=spoke_at)] if spoke_at else []))
    lately = PushedLately(NOW - 2 * DAY_MS, NOW - 30 * DAY_MS, NOW - DAY_MS, NOW - HOUR_MS)
    found = database.ask(lambda queries: queries.stopped_after(0, 9, lately))
    assert found == {"registered": 2, "last": 2, "stale": counted[0], "missed": counted[1]}


def test_stopped_phones_are_counted_page_by_page(database: AnyDatabase) -> None:
    database.write(*(phone(f"t{number}", f"{number}", at=NOW - 31 * DAY_MS) for number in range(1, 6)))
    for number in range(1, 6):
        database.write(outcome("taken", "m", registration=number, status_id="old"), arrival(f"{number}", time=NOW + 5))
    lately = PushedLately(0, NOW - 30 * DAY_MS, 0, NOW)
    pages = [database.ask(lambda queries, at=at: queries.stopped_after(at, 2, lately)) for at in (0, 2, 4, 5)]
    assert pages == [
        *({"registered": 2, "last": last, "stale": 2, "missed": 0} for last in (2, 4)),
        {"registered": 1, "last": 5, "stale": 1, "missed": 0},
        {"registered": 0, "last": None, "stale": 0, "missed": 0},
    ]


# The trace of a status


def newer(database: AnyDatabase, status: Arrive) -> str | None:
    found = database.ask(lambda queries: queries.traced_status(status.vehicle, status.status_id))
    assert found is not None and found.keys() == records.TracedStatus.__annotations__.keys()
    assert (found["newer"] is None) == (found["newer_received"] is None)
    return found["newer"]


def test_of_those_that_rank_above_a_status_the_one_that_came_first_is_found(database: AnyDatabase) -> None:
    """What lies in the future ranks above nothing; of one time and number, the later arrival is above."""
    late = arrival(time=NOW - 5, seq=1)
    then, after = (arrival(time=NOW + at, seq=2, now=NOW + at) for at in (1, 2))
    twin = arrival(payload=b"twin", now=NOW + 9)
    ahead = arrival(time=NOW + 9 * DAY_MS)
    database.write(STATUS, ahead, then, after, late, twin)
    assert newer(database, STATUS) == then.status_id
    assert newer(database, late) == STATUS.status_id
    assert newer(database, twin) == then.status_id
    assert newer(database, after) is None
    found = database.ask(lambda queries: queries.traced_status(VEHICLE, ahead.status_id))
    assert found is not None and (found["timely"], found["newer"]) == (0, late.status_id)
    for vehicle, status_id in ((VEHICLE, "0" * 16), ("B", STATUS.status_id)):
        asked = (vehicle, status_id)
        assert database.ask(lambda queries, asked=asked: queries.traced_status(*asked)) is None


def test_after_a_clock_that_ran_ahead_what_came_before_it_is_no_newer_one(database: AnyDatabase) -> None:
    database.open(capacity=2000)
    ahead = arrival(time=NOW + 20 * HOUR_MS, seq=9, now=NOW - 1000)
    around = [NOW + (at - 40) * HOUR_MS // 4 - 1 for at in range(80)]
    database.write(*(arrival(time=time, seq=at, now=NOW - 2000) for at, time in enumerate(around)), ahead, STATUS)
    found = database.ask(lambda queries: queries.traced_status(VEHICLE, STATUS.status_id))
    assert found is not None and (found["newer_received"] or 0) <= NOW - 1000
    assert newer(database, ahead) is None


def test_the_vehicle_of_a_status_is_found_in_the_rings(database: AnyDatabase) -> None:
    """Also of one that came late or lies in the future, and none that no ring holds."""
    database.write(*(arrival(f"{number:X}", time=NOW + number) for number in range(1, 200)))
    for old in (arrival("96", time=NOW + 1), arrival("97", time=NOW + 3 * DAY_MS), arrival("C7", time=NOW + 199)):
        database.write(old)
        assert database.ask(lambda queries, old=old: queries.vehicle_of(old.status_id)) == old.vehicle
    for nothing in ("0123456789abcdef", "no id", ""):
        assert database.ask(lambda queries, nothing=nothing: queries.vehicle_of(nothing)) is None


def test_the_vehicle_of_a_status_that_left_its_ring_is_known_by_its_pushes_and_events(database: AnyDatabase) -> None:
    database.open(capacity=1, limits=ROOMY)
    gone = arrival(time=NOW - 1)
    database.write(phone(), gone, outcome("taken", "m/1", status_id=gone.status_id), STATUS, event(), arrival(seq=9))
    assert database.ring() == [arrival(seq=9).status_id]
    for status_id in (gone.status_id, STATUS.status_id):
        assert database.ask(lambda queries, one=status_id: queries.vehicle_of(one)) == VEHICLE
    assert database.ask(lambda queries: queries.traced_status(VEHICLE, gone.status_id)) is None
