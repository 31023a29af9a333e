"""Pushes and events: what waits for whom, what became of it, and how far each registration is."""

from __future__ import annotations

from typing import Any

import pytest
from any_engine import AnyDatabase
from builders import NOW, ROOMY, arrival

from evd.model.operations import (
    NewEvent,
    Outcome,
    Outcomes,
    PausePushes,
    PutOff,
    RecordEvents,
    Register,
)
from evd.model.units import DAY_MS, HOUR_MS
from evd.store import records
from evd.store.records import PushedLately

VEHICLE = "386625"
STATUS = arrival()
SINCE = {"unseen_since": 0, "received_after": 0}


def phone(token: str = "t1", vehicle: str = VEHICLE, *, uid: str = "anna", at: int = NOW) -> Register:
    return Register(vehicle, vehicle, token, uid, at)


def outcome(verdict: Any, said: str, *, registration: int = 1, outbox: int = 0, **more: Any) -> Outcomes:
    given = {"committed": NOW, "sent": NOW + 5, "at": NOW + 9, "what": "state", "status_id": STATUS.status_id}
    one = Outcome(
        registration, outbox, VEHICLE, f"t{registration}", "token", verdict=verdict, said=said, **given | more
    )
    return Outcomes((one,))


def event(kind: str = "charge_reached", status_id: str = STATUS.status_id) -> RecordEvents:
    return RecordEvents(VEHICLE, b'{"a":1}', (NewEvent(kind, NOW, status_id, b'{"percent":80}'),), NOW)


def states(database: AnyDatabase, **narrowed: Any) -> list[str]:
    found = database.ask(lambda queries: queries.states_waiting(limit=9, **SINCE | narrowed))
    assert all(row.keys() == records.WaitingPush.__annotations__.keys() for row in found)
    return [row["token"] for row in found]


def test_a_registration_waits_for_the_last_status_until_it_was_given_that_one(database: AnyDatabase) -> None:
    database.write(phone("t1"), phone("t2"), STATUS)
    due = database.store.due_pushes(["token"])
    assert [one.given != STATUS.status_id for one in due.registrations_of(VEHICLE)] == [True, True]
    assert states(database) == ["t1", "t2"]
    database.write(outcome("taken", "m/1"))
    assert states(database) == ["t2"]
    database.open()
    assert states(database) == ["t2"], "after a restart, too"
    assert database.ask(lambda queries: queries.count_states_waiting(**SINCE)) == 1
    assert states(database, received_after=NOW) == [], "it is worth no push any more"
    assert states(database, unseen_since=NOW + 1) == [], "the phone is stale"


def test_what_failed_is_due_again_and_never_later_than_it_is_put_off_to(database: AnyDatabase) -> None:
    database.write(phone(), STATUS, outcome("later", "503", due=NOW + HOUR_MS, attempts=1))
    due = database.store.due_pushes(["token"])
    assert (due.registrations_due(NOW + HOUR_MS - 1, 9), due.next_due(NOW)) == ([], NOW + HOUR_MS)
    assert [one.attempts for one in due.registrations_due(NOW + HOUR_MS, 9)] == [1]
    assert due.put_off_beyond(NOW + 60_000)
    database.write(PutOff(NOW + 60_000))
    assert (due.put_off_beyond(NOW + 60_000), due.next_due(NOW)) == (False, NOW + 60_000)


def test_registrations_are_walked_through_by_number_and_kind(database: AnyDatabase) -> None:
    database.write(*(phone(f"t{number}", f"{number}") for number in range(1, 4)))
    due = database.store.due_pushes(["token"])
    assert [one.token for one in due.registrations_after(1, 1)] == ["t2"]
    assert sorted(due.vehicles()) == ["1", "2", "3"]
    assert database.store.due_pushes(["webhook"]).registrations_after(0, 9) == []


def test_the_last_status_is_read_for_a_push(database: AnyDatabase) -> None:
    database.write(STATUS, arrival("B"))
    last = database.store.due_pushes(["token"]).last_of(VEHICLE)
    assert last is not None and (last.status_id, last.fields) == (STATUS.status_id, STATUS.fields)
    assert database.store.due_pushes(["token"]).last_of("C") is None


@pytest.mark.parametrize(("renewed", "registered"), [(NOW, 0), (NOW + 9, 1)])
def test_a_dead_registration_goes_unless_it_was_renewed_long_after(
    database: AnyDatabase, renewed: int, registered: int
) -> None:
    database.write(phone(), STATUS)
    database.write(phone(at=renewed if renewed == NOW else NOW + DAY_MS), outcome("drop", "unregistered"))
    assert database.ask(lambda queries: queries.push_facts(0))["registrations"] == registered


def test_finished_pushes_are_kept_the_newest_first(database: AnyDatabase) -> None:
    database.open(limits=ROOMY._replace(pushed=3))
    database.write(phone(), *(outcome("taken", f"m/{number}") for number in range(5)))
    found = database.ask(lambda queries: queries.finished_pushes(vehicle=VEHICLE, limit=9))
    assert [row["outcome"] for row in found] == ["m/4", "m/3", "m/2"]
    assert found[0].keys() == records.FinishedPush.__annotations__.keys()
    older = {"before": found[0]["number"], "status_id": STATUS.status_id, "limit": 1}
    assert database.ask(lambda queries: queries.finished_pushes(**older)) == found[1:2]
    assert database.ask(lambda queries: queries.push_log_from()) == NOW + 9


def test_pushes_are_paused_and_go_on_also_after_a_restart(database: AnyDatabase) -> None:
    database.write(PausePushes(True, NOW))
    database.open()
    assert database.store.due_pushes(["token"]).paused_since() == NOW
    assert database.ask(lambda queries: queries.push_facts(0))["paused_since"] == NOW
    database.write(PausePushes(False, NOW))
    assert database.store.due_pushes(["token"]).paused_since() == 0


def test_a_status_is_traced_with_the_one_that_ranks_above_it(database: AnyDatabase) -> None:
    newer = arrival(time=NOW + 1, now=NOW + 1)
    database.write(STATUS, newer)
    traced = database.ask(lambda queries: queries.traced_status(VEHICLE, STATUS.status_id))
    assert traced is not None and traced.keys() == records.TracedStatus.__annotations__.keys()
    assert (traced["newer"], traced["newer_received"]) == (newer.status_id, NOW + 1)
    assert database.ask(lambda queries: queries.traced_status(VEHICLE, "0" * 16)) is None
    assert database.ask(lambda queries: queries.vehicle_of(STATUS.status_id)) == VEHICLE
    assert database.ask(lambda queries: queries.vehicle_of("0" * 16)) is None


def test_phones_that_stopped_are_counted_by_the_reason(database: AnyDatabase) -> None:
    database.write(phone("t1"), phone("t2", at=NOW - 40 * DAY_MS), STATUS)
    database.write(outcome("taken", "m/1"), outcome("taken", "m/2", registration=2))
    database.write(arrival(time=NOW + 1, seq=1))
    lately = PushedLately(since=0, unseen_since=NOW - 30 * DAY_MS, received_after=0, received_before=NOW)
    found = database.ask(lambda queries: queries.stopped_after(0, 9, lately))
    assert found == {"registered": 2, "last": 2, "stale": 1, "missed": 1}
    assert database.ask(lambda queries: queries.stopped_after(2, 9, lately))["registered"] == 0
