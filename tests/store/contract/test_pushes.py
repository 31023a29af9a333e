"""Pushes and events: what waits for whom, what became of it, and how far each registration is."""

from __future__ import annotations

from typing import Any

import pytest
from any_engine import AnyDatabase
from builders import NOW, ROOMY, arrival

from evd.model.operations import (
    AddOwner,
    ForgetExpired,
    ForgetUnseen,
    NewEvent,
    Outcome,
    Outcomes,
    PausePushes,
    PutOff,
    RecordEvents,
    Register,
    Renew,
    SetAlerts,
    SetPreferences,
    UnknownVehicle,
)
from evd.model.units import DAY_MS, HOUR_MS
from evd.store import records
from evd.store.records import GAPS_OF, NUMBER_MAX, PushedLately

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


def test_an_event_waits_for_each_who_wants_it_and_comes_once(database: AnyDatabase) -> None:
    database.write(phone("t1"), phone("t2", uid="ben"), STATUS)
    database.write(SetPreferences("ben", b'{"events":{"charge_reached":false}}', NOW))
    made, again = database.write(event(), event())
    assert (made >= 1, again) == (True, 0)
    (first, *_) = due = database.store.due_pushes(["token"]).events_due(NOW + DAY_MS, 9)
    assert len(due) == made
    assert (first.kind, first.details, first.registration.token) == ("charge_reached", b'{"percent":80}', "t1")
    waiting = database.ask(lambda queries: queries.events_waiting(status_id=STATUS.status_id, limit=9))
    assert len(waiting) == made and waiting[0].keys() == records.WaitingPush.__annotations__.keys()
    database.write(outcome("taken", "m/1", outbox=first.number, what="charge_reached"))
    assert len(database.store.due_pushes(["token"]).events_due(NOW + DAY_MS, 9)) == made - 1


def test_events_that_are_worth_nothing_any_more_are_forgotten(database: AnyDatabase) -> None:
    database.write(phone(), STATUS, event())
    assert database.write(ForgetExpired(NOW + 30 * DAY_MS, 9)) == [1]
    assert database.store.due_pushes(["token"]).events_due(NUMBER_MAX, 9) == []


def test_events_are_listed_by_vehicle_and_owner(database: AnyDatabase) -> None:
    database.write(STATUS, AddOwner("anna", VEHICLE, NOW), event(), event("unplugged"))
    asked = {"before": NUMBER_MAX, "limit": 9}
    found = database.ask(lambda queries: queries.events(**asked)).rows
    assert [row["kind"] for row in found] == ["unplugged", "charge_reached"]
    assert found[0].keys() == records.EventRow.__annotations__.keys()
    assert found[0]["details"] == {"percent": 80}
    for narrowed, count in (({"uid": "anna"}, 2), ({"uid": "ben"}, 0), ({"vehicle": "B"}, 0), ({"kind": "x"}, 0)):
        page = database.ask(lambda queries, more=narrowed: queries.events(**asked, **more))
        assert len(page.rows) == count
    page = database.ask(lambda queries: queries.events(before=NUMBER_MAX, limit=1))
    assert page.following == (found[0]["number"],)


def test_settings_of_alerts_and_preferences_are_kept(database: AnyDatabase) -> None:
    (unknown,) = database.write(SetAlerts(VEHICLE, b"{}"))
    assert isinstance(unknown, UnknownVehicle)
    assert database.ask(lambda queries: queries.alerts_of(VEHICLE)) == (False, None)
    database.write(STATUS, SetAlerts(VEHICLE, b'{"x":1}'), SetPreferences("anna", b'{"y":2}', NOW))
    assert database.ask(lambda queries: queries.alerts_of(VEHICLE)) == (True, b'{"x":1}')
    assert database.ask(lambda queries: queries.preferences_of("anna")) == b'{"y":2}'
    assert database.ask(lambda queries: queries.preferences_of("ben")) is None


def test_what_the_events_engine_remembers(database: AnyDatabase) -> None:
    said = [arrival(time=NOW + number, now=NOW + number) for number in range(30)]
    database.open(capacity=100)
    database.write(*said, AddOwner("anna", VEHICLE, NOW), event())
    state = database.store.event_state()
    assert (state.vehicles_after("", 9), state.vehicles_after(VEHICLE, 9)) == ([VEHICLE], [])
    assert state.alerts_of(VEHICLE) == (b'{"a":1}', None)
    last = state.last_of(VEHICLE)
    assert last is not None and last.status_id == said[-1].status_id
    before = state.previous_of(VEHICLE, last.time, last.status_id)
    assert before is not None and before.status_id == said[-2].status_id
    assert sorted(state.received_of(VEHICLE)) == [NOW + number for number in range(30 - GAPS_OF, 30)]


def test_pushes_are_paused_and_go_on_also_after_a_restart(database: AnyDatabase) -> None:
    database.write(PausePushes(True, NOW))
    database.open()
    assert database.store.due_pushes(["token"]).paused_since() == NOW
    assert database.ask(lambda queries: queries.push_facts(0))["paused_since"] == NOW
    database.write(PausePushes(False, NOW))
    assert database.store.due_pushes(["token"]).paused_since() == 0


def test_who_asks_renews_his_phones_and_who_does_not_is_forgotten(database: AnyDatabase) -> None:
    database.write(phone("t1"), phone("t2", uid="ben"))
    assert database.write(Renew("anna", NOW + 2 * DAY_MS)) == [[VEHICLE]]
    assert database.ask(lambda queries: queries.push_facts(NOW + DAY_MS)) == {
        "paused_since": 0,
        "registrations": 2,
        "stale": 1,
    }
    assert database.write(ForgetUnseen(NOW + DAY_MS, 9)) == [1]
    phones = database.ask(lambda queries: queries.traced_phones(VEHICLE))
    assert [row["token"] for row in phones] == ["t1"]
    assert phones[0].keys() == records.TracedPhone.__annotations__.keys()


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
