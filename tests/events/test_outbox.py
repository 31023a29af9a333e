"""What the store makes of an event: who waits for it, for how long, and how many there may be."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import NOW, ROOMY, arrival, rows
from event_chain import VEHICLE, Opener, register, waiting

from evd.model.operations import (
    LimitReached,
    NewEvent,
    RecordEvents,
    SetEventSettings,
    SetPreferences,
    UnknownVehicle,
)
from evd.model.units import HOUR_MS, MINUTE_MS

NIGHT = b'{"quiet_hours": "22:00-07:00", "time_zone": "UTC"}'  # NOW is 22:13:20 UTC


MORNING = NOW + 8 * HOUR_MS + 46 * MINUTE_MS + 40_000


def event(number: int = 0, *, kind: str = "left", status: str = "s") -> NewEvent:
    return NewEvent(kind, NOW + number, status, b'{"place":"home"}')


def record(*events: NewEvent, vehicle: str = VEHICLE, at: int = NOW, state: bytes = b'{"time":1}') -> RecordEvents:
    return RecordEvents(vehicle, state, events, at)


def test_an_event_waits_for_each_phone_of_its_vehicle(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(event_tries_s=60))
    store.write([register("a"), register("b", uid="eva"), register("c", vehicle="OTHER")])
    assert store.write([record(event())]) == [2]
    assert waiting(database) == [(NOW, token, NOW, NOW + 60_000) for token in "ab"]
    assert rows(database, "SELECT vehicle, kind, waiting FROM happenings") == [(VEHICLE, "left", 2)]
    assert rows(database, "SELECT state, settings FROM alert_states") == [('{"time":1}', None)]


def test_the_same_event_again_changes_nothing_but_what_is_remembered(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([register()])
    assert store.write([record(event()), record(event(), state=b'{"time":2}')]) == [1, 0]
    assert len(waiting(database)) == 1
    assert rows(database, "SELECT count(*), state FROM events, alert_states") == [(1, '{"time":2}')]


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
    open_store: Opener, database: Path, settings: bytes | None, kind: str, due: int | None
) -> None:
    store = open_store()
    store.write([register(kind=kind)])
    if settings is not None:
        store.write([SetPreferences("martin", settings, NOW)])
    store.write([record(event())])
    assert [(when, expires - when) for _, _, when, expires in waiting(database)] == (
        [] if due is None else [(due, HOUR_MS)]
    )


def test_a_vehicle_keeps_its_newest_events_and_what_goes_is_sent_to_nobody(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(events_per_vehicle=2))
    store.write([register(), record(event(9), vehicle="OTHER")])
    store.write([record(event(1), event(2)), record(event(3))])
    assert rows(database, "SELECT vehicle, time FROM events ORDER BY number") == [
        *(("OTHER", NOW + 9), (VEHICLE, NOW + 2), (VEHICLE, NOW + 3))
    ]
    assert [time for time, *_ in waiting(database)] == [NOW + 2, NOW + 3]


def test_in_a_full_outbox_the_oldest_makes_room(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(outbox=3, events_per_vehicle=4))
    store.write([register("a"), register("b")])
    for number in range(5):
        store.write([record(event(number))])
    assert [(time - NOW, token) for time, token, *_ in waiting(database)] == [(3, "b"), (4, "a"), (4, "b")]


def test_settings_are_of_known_vehicles_and_stand_beside_what_is_remembered(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([arrival(), record()])
    unknown, done = store.write([SetEventSettings("OTHER", b"{}"), SetEventSettings(VEHICLE, b'{"low_charge":9}')])
    assert (type(unknown), done) == (UnknownVehicle, None)
    store.write([record(state=b'{"time":2}')])
    assert rows(database, "SELECT * FROM alert_states") == [(VEHICLE, '{"time":2}', '{"low_charge":9}')]
    store.write([SetEventSettings(VEHICLE, None)])
    assert rows(database, "SELECT * FROM alert_states") == [(VEHICLE, '{"time":2}', None)]


def test_as_many_users_have_preferences_as_there_may_be_owners(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(owners=1))
    results = store.write([SetPreferences(uid, b"{}", NOW) for uid in ("a", "b", "a")])
    assert [type(result) for result in results] == [type(None), LimitReached, type(None)]
    assert rows(database, "SELECT uid FROM preferences") == [("a",)]
