"""Events: kept once, pushed to each phone as its user wishes, and what the events engine remembers and reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from any_engine import AnyDatabase
from builders import NOW, arrival

from evd.model.operations import (
    AddOwner,
    ForgetExpired,
    LimitReached,
    NewEvent,
    RecordEvents,
    Register,
    SetEventSettings,
    SetPreferences,
    UnknownVehicle,
    Unregister,
)
from evd.model.units import DAY_MS, HOUR_MS, MINUTE_MS
from evd.store import records
from evd.store.records import GAPS_OF, NUMBER_MAX, EventRow

VEHICLE = "386625"
NIGHT = b'{"quiet_hours": "22:00-07:00", "time_zone": "UTC"}'  # NOW is 22:13:20 UTC
MORNING = NOW + 8 * HOUR_MS + 46 * MINUTE_MS + 40_000


def register(
    token: str = "phone", *, uid: str = "martin", vehicle: str = VEHICLE, kind: Any = "token", at: int = NOW
) -> Register:
    return Register(vehicle, vehicle, token, uid, at, kind)


def event(number: int = 0, *, kind: str = "left", status: str = "s", **more: Any) -> NewEvent:
    return NewEvent(kind, NOW + number, status, b'{"place":"home"}', **more)


def record(*events: NewEvent, vehicle: str = VEHICLE, at: int = NOW, state: bytes = b'{"time":1}') -> RecordEvents:
    return RecordEvents(vehicle, state, events, at)


def waiting(database: AnyDatabase) -> list[tuple[int, str, int, int]]:
    """(time, token, due, expires) of what is in the outbox, in the order in which it is due."""
    due = database.due.events_due(NUMBER_MAX, 100)
    return [(one.time, one.registration.token, one.registration.due or 0, one.expires) for one in due]


def listed(database: AnyDatabase, **narrowed: Any) -> list[EventRow]:
    asked: dict[str, Any] = {"before": NUMBER_MAX, "limit": 100} | narrowed
    return database.ask(lambda queries: queries.events(**asked)).rows


# The outbox


def test_an_event_waits_for_each_phone_of_its_vehicle(database: AnyDatabase) -> None:
    database.limit(event_tries_s=60)
    database.write(register("a"), register("b", uid="eva"), register("c", vehicle="OTHER"))
    assert database.write(record(event())) == [2]
    assert waiting(database) == [(NOW, token, NOW, NOW + 60_000) for token in "ab"]
    (first, *_) = database.due.events_due(NOW, 9)
    assert (first.kind, first.status_id, first.details, first.attempts) == ("left", "s", b'{"place":"home"}', 0)
    assert (first.registration.uid, first.registration.vehicle, first.settings) == ("martin", VEHICLE, None)
    assert database.due.events_due(NOW - 1, 9) == []
    assert len(database.due.events_due(NOW, 1)) == 1
    assert database.due.next_due(NOW - 1) == NOW


def test_the_same_event_again_changes_nothing_but_what_is_remembered(database: AnyDatabase) -> None:
    database.write(register())
    assert database.write(record(event()), record(event(), state=b'{"time":2}')) == [1, 0]
    assert (len(waiting(database)), len(listed(database))) == (1, 1)
    assert database.state.event_settings_of(VEHICLE) == (b'{"time":2}', None)


def test_events_of_one_kind_in_one_status_differ_by_their_details(database: AnyDatabase) -> None:
    database.write(register())
    new = [
        NewEvent(kind, NOW, "status", json.dumps({"which": which}).encode())
        for kind, which in (("arrived", "home"), ("arrived", "city"), ("temperature", "in"), ("temperature", "out"))
    ]
    assert database.write(record(*new), record(*new)) == [4, 0]
    assert len(listed(database)) == 4


@pytest.mark.parametrize(
    ("settings", "kind", "due"),
    [
        (None, "token", NOW),
        (b"rubbish", "token", NOW),
        (b'{"kinds": {"left": false}}', "token", None),
        (b'{"kinds": {"arrived": false}}', "token", NOW),
        (NIGHT, "token", MORNING),
        (NIGHT, "fid", MORNING),
        (NIGHT, "webhook", NOW),
        (b'{"kinds": {"left": false}}', "webhook", NOW),
    ],
)
def test_a_phone_is_notified_as_its_user_wishes_and_a_webhook_everything_at_once(
    database: AnyDatabase, settings: bytes | None, kind: str, due: int | None
) -> None:
    database.write(register(kind=kind))
    if settings is not None:
        database.write(SetPreferences("martin", settings, NOW))
    assert database.write(record(event())) == [0 if due is None else 1]
    assert [(when, expires - when) for _, _, when, expires in waiting(database)] == (
        [] if due is None else [(due, HOUR_MS)]
    )
    assert [one.settings for one in database.due.events_due(NUMBER_MAX, 9)] == ([] if due is None else [settings])


def test_an_app_that_shows_it_by_itself_is_not_sent_it(database: AnyDatabase) -> None:
    original = Register(VEHICLE, VEHICLE, "old", "martin", NOW, client="original")
    hook = Register(VEHICLE, VEHICLE, "hook", "webhook", NOW, "webhook", "original")
    database.write(original, hook, register("new"))
    assert database.write(record(event(shown_by_app=("original",)))) == [2]
    assert [token for _, token, *_ in waiting(database)] == ["hook", "new"]


def test_a_vehicle_keeps_its_newest_events_and_what_goes_is_sent_to_nobody(database: AnyDatabase) -> None:
    database.limit(events_per_vehicle=2)
    database.write(register(), record(event(9), vehicle="OTHER"))
    database.write(record(event(1), event(2)), record(event(3)))
    assert [(row["vehicle"], row["time"] - NOW) for row in listed(database)] == [
        *((VEHICLE, 3), (VEHICLE, 2), ("OTHER", 9))
    ]
    assert [time - NOW for time, *_ in waiting(database)] == [2, 3]


def test_in_a_full_outbox_the_oldest_makes_room(database: AnyDatabase) -> None:
    database.limit(outbox=3, events_per_vehicle=4)
    database.write(register("a"), register("b"))
    for number in range(5):
        database.write(record(event(number)))
    assert [(time - NOW, token) for time, token, *_ in waiting(database)] == [(3, "b"), (4, "a"), (4, "b")]
    database.write(Unregister(VEHICLE, "b"), record(event(5)))
    assert [(time - NOW, token) for time, token, *_ in waiting(database)] == [(4, "a"), (5, "a")], "it counts anew"


def test_what_expired_is_forgotten_where_no_provider_takes_it(database: AnyDatabase) -> None:
    database.limit(event_tries_s=60)
    database.write(register(), record(event(1), event(2)), record(event(3), at=NOW + DAY_MS))
    assert database.write(ForgetExpired(NOW + 60_000, 9)) == [0], "it is worth a push until then"
    results = database.write(ForgetExpired(NOW + 60_001, 1), *[ForgetExpired(NOW + HOUR_MS, 9)] * 2)
    assert results == [1, 1, 0]
    assert [time - NOW for time, *_ in waiting(database)] == [3]
    assert len(listed(database)) == 3, "the events are kept"


# The list


def test_events_are_listed_by_vehicle_owner_and_kind(database: AnyDatabase) -> None:
    database.write(AddOwner("anna", VEHICLE, NOW), record(event(samples=b'[{"a":1}]')), record(event(kind="arrived")))
    database.write(record(event(1), vehicle="OTHER"))
    newest = listed(database)[0]
    assert newest.keys() == records.EventRow.__annotations__.keys()
    assert (newest["details"], newest["samples"], newest["created"]) == ({"place": "home"}, [], NOW)
    assert listed(database)[2]["samples"] == [{"a": 1}]
    for narrowed, count in (
        *(({"uid": "anna"}, 2), ({"uid": "ben"}, 0), ({"vehicle": "OTHER"}, 1), ({"vehicle": "B"}, 0)),
        *(({"kind": "left"}, 2), ({"kind": "x"}, 0), ({"kind": "left", "uid": "anna"}, 1)),
    ):
        assert len(listed(database, **narrowed)) == count, narrowed
    page = database.ask(lambda queries: queries.events(before=NUMBER_MAX, limit=2))
    assert page.following == (page.rows[-1]["number"],)
    assert [row["kind"] for row in listed(database, before=page.rows[-1]["number"])] == ["left"]


# Settings


def test_settings_are_of_known_vehicles_and_stand_beside_what_is_remembered(database: AnyDatabase) -> None:
    database.write(arrival(), record())
    unknown, done = database.write(SetEventSettings("OTHER", b"{}"), SetEventSettings(VEHICLE, b'{"low_charge":9}'))
    assert (type(unknown), done) == (UnknownVehicle, None)
    database.write(record(state=b'{"time":2}'))
    assert database.state.event_settings_of(VEHICLE) == (b'{"time":2}', b'{"low_charge":9}')
    assert database.ask(lambda queries: queries.event_settings_of(VEHICLE)) == (True, b'{"low_charge":9}')
    database.write(SetEventSettings(VEHICLE, None))
    assert database.state.event_settings_of(VEHICLE) == (b'{"time":2}', None)
    assert database.ask(lambda queries: queries.event_settings_of(VEHICLE)) == (True, None)
    assert database.ask(lambda queries: queries.event_settings_of("OTHER")) == (False, None)
    assert database.state.event_settings_of("OTHER") == (None, None)


def test_a_vehicle_with_an_owner_may_be_set_up_before_its_first_message(database: AnyDatabase) -> None:
    assert database.write(AddOwner("anna", "NEW", NOW), SetEventSettings("NEW", b"{}")) == [None, None]
    assert database.ask(lambda queries: queries.event_settings_of("NEW")) == (True, b"{}")


def test_as_many_users_have_preferences_as_there_may_be_owners(database: AnyDatabase) -> None:
    database.limit(owners=1)
    results = database.write(*(SetPreferences(uid, b'{"x":1}', NOW) for uid in ("a", "b", "a")))
    assert [type(result) for result in results] == [type(None), LimitReached, type(None)]
    assert str(results[1]) == "1 users have preferences: raise app.owners_max to take in more"
    assert database.ask(lambda queries: queries.preferences_of("a")) == b'{"x":1}'
    assert database.ask(lambda queries: queries.preferences_of("b")) is None


# What the events engine reads


def test_the_walk_goes_over_vehicles_with_owner_phone_or_settings(database: AnyDatabase) -> None:
    database.write(arrival("A"), arrival("B"), AddOwner("anna", "C", NOW), register(vehicle="D"), register(vehicle="C"))
    database.write(SetEventSettings("B", b"{}"), record(vehicle="A"))
    assert database.state.vehicles_after("", 9) == ["B", "C", "D"], "each once"
    assert (database.state.vehicles_after("B", 1), database.state.vehicles_after("D", 9)) == (["C"], [])


def test_the_last_status_the_one_before_and_the_newest_times(database: AnyDatabase) -> None:
    database.open(capacity=100)
    said = [arrival(time=NOW + number, now=NOW + number) for number in range(30)]
    late = arrival(time=NOW - 5, seq=3, now=NOW + 99)
    database.write(*said, late, arrival(time=NOW + 9 * DAY_MS))
    last = database.state.last_of(VEHICLE)
    assert last is not None and (last.status_id, last.fields) == (said[-1].status_id, said[-1].fields)
    before = database.state.previous_of(VEHICLE, last.time, last.status_id)
    assert before is not None and before.status_id == said[-2].status_id
    then = database.state.previous_of(VEHICLE, before.time, before.status_id)
    assert then is not None and then.status_id == said[-3].status_id
    assert database.state.previous_of(VEHICLE, NOW - 6, "") is None
    received = database.state.received_of(VEHICLE)
    assert sorted(received) == [NOW + number for number in range(30 - GAPS_OF, 30)]
    for nothing in (database.state.last_of("B"), database.state.previous_of("B", NOW, "")):
        assert nothing is None
    assert database.state.received_of("B") == []


def test_a_vehicle_whose_clock_ran_ahead_once_is_heard_while_it_speaks(database: AnyDatabase) -> None:
    database.open(capacity=100)
    database.write(arrival(time=NOW + 20 * HOUR_MS, now=NOW))
    spoken = [NOW + at * MINUTE_MS for at in range(10, 200, 10)]
    database.write(*(arrival(time=at, now=at) for at in spoken))
    assert max(database.state.received_of(VEHICLE)) == spoken[-1]


def test_a_reader_that_is_closed_leaves_the_others_open(database: AnyDatabase) -> None:
    database.write(arrival())
    state = database.store.event_state()
    state.close()
    assert database.state.last_of(VEHICLE) is not None
