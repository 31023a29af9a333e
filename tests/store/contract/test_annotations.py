"""What the network says of messages is merged into their rows, the same in whatever order all of it comes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import msgspec
import orjson
import pytest
from any_engine import AnyDatabase
from builders import NOW, arrival
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.errors import Unavailable
from evd.model.kept_status import KeptStatus
from evd.model.operations import Annotate, Arrive, LimitReached, SetVehicle, Stored, UnknownVehicle, WaitNoLonger
from evd.model.retention import Verdict
from evd.model.status import ALONE
from evd.model.units import HOUR_MS
from evd.store.records import WaitingRow

VEHICLE = "386625"
HERE, THERE = "48.1,11.5", "47.9,11.2"
GOOD = b'{"lqi":"GOOD","operatorName":"Ostsee","duplicates":[{"bsId":"1"},{"bsId":"2"}]}'


def advanced(time: int = NOW, seq: int | None = 0, **others: Any) -> Annotate:
    given = {
        "vehicle": VEHICLE,
        "payload": None,
        "source": "advanced",
        "radio": GOOD,
        "location": HERE,
        "received": NOW,
    }
    return Annotate(time=time, seq=seq, **given | others)


def geoloc(time: int = NOW, seq: int | None = 0, **others: Any) -> Annotate:
    return advanced(time, seq, **{"source": "geoloc", "radio": b'{"radius":900}', "location": THERE} | others)


def annotated(database: AnyDatabase) -> list[tuple[Any, Any]]:
    """(fields, radio) of each status in the ring's order."""
    return [(one.values(), one.radio and orjson.loads(one.radio)) for one in database.kept(VEHICLE)]


def waiting(database: AnyDatabase) -> list[WaitingRow]:
    return database.waiting.since(None, 100)


OWN = b'{"location":"1,2"}'


@pytest.mark.parametrize(
    ("fields", "said", "location", "location_from"),
    [
        (b"{}", [advanced()], HERE, "advanced"),
        (b"{}", [geoloc()], THERE, "geoloc"),
        (b"{}", [geoloc(), advanced()], HERE, "advanced"),
        (b"{}", [advanced(), geoloc()], HERE, "advanced"),
        (b"{}", [advanced(location=None), geoloc()], THERE, "geoloc"),
        (b"{}", [advanced(), advanced(location=THERE)], THERE, "advanced"),
        (b"{}", [advanced(), advanced(location=None)], HERE, "advanced"),
        (b"{}", [advanced(location=None)], None, None),
        (b'{"location":null}', [geoloc()], THERE, "geoloc"),
        (b'{"location":""}', [geoloc()], THERE, "geoloc"),
        (OWN, [advanced(), geoloc()], "1,2", "vehicle"),
    ],
)
@pytest.mark.parametrize("first", ["the message", "what is said of it"])
def test_the_vehicles_own_location_counts_most_then_advanced_then_geoloc(
    database: AnyDatabase,
    fields: bytes,
    said: list[Annotate],
    location: str | None,
    location_from: str | None,
    first: str,
) -> None:
    message = arrival(fields=fields)
    database.write(*[message, *said] if first == "the message" else [*said, message])
    (found,) = annotated(database)
    assert found[0].get("location") == location
    # Where the vehicle told its place itself, the network's is not noted.
    noted = None if location_from == "vehicle" else location_from
    assert found[1].get("location_from") == noted
    assert set(found[1]) - {"location", "location_from"} == {one.source for one in said}


def test_what_is_said_is_merged_and_the_rest_of_the_status_stays(database: AnyDatabase) -> None:
    database.write(arrival(fields=b'{"state":1,"range":2.50}'))
    (before,) = database.kept()
    assert database.write(advanced(), geoloc(), geoloc()) == [True, True, True]
    (after,) = database.kept()
    assert after.fields == f'{{"state":1,"range":2.50,"location":"{HERE}"}}'.encode(), "numbers keep their text"
    radio = f'{{"advanced":{GOOD.decode()},"geoloc":{{"radius":900}},"location":"{HERE}","location_from":"advanced"}}'
    assert after.radio == radio
    assert msgspec.structs.replace(after, fields=before.fields, radio=None) == before


@pytest.mark.parametrize(
    ("message", "annotation", "meant"),
    [
        (arrival(), advanced(payload=b"\x01"), True),
        (arrival(), advanced(payload=b"\x02"), False),
        (arrival(payload=None), advanced(payload=b"\x02"), True),
        (arrival(seq=None), advanced(seq=None), True),
        (arrival(seq=None), advanced(seq=0), False),
        (arrival(), advanced(NOW + 1000), False),
        (arrival(), advanced(seq=1), False),
        (arrival(), advanced(vehicle="OTHER"), False),
        (arrival(time=NOW + 48 * HOUR_MS), advanced(NOW + 48 * HOUR_MS), True),
    ],
    ids=[
        *("payload", "another payload", "status without payload", "no number", "one with, one without", "another time"),
        *("another number", "another vehicle", "from the future"),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_it_belongs_to_the_message_of_this_vehicle_time_number_and_payload(
    database: AnyDatabase, message: Arrive, annotation: Annotate, meant: bool, order: int
) -> None:
    for one in [message, annotation][::order]:
        database.write(one)
    assert (annotated(database)[0][1] is not None) is meant
    assert database.store.waiting_rows == len(waiting(database)) == (0 if meant else 1)


def test_what_waits_is_known_to_the_next_start(database: AnyDatabase) -> None:
    assert database.write(advanced()) == [False]
    database.open()
    assert database.store.waiting_rows == 1
    assert database.write(arrival()) == [Stored(Verdict.NEWEST)]
    assert [radio is not None for _, radio in annotated(database)] == [True]


def test_what_waits_is_merged_into_a_late_message_too(database: AnyDatabase) -> None:
    database.write(arrival(time=NOW + 5000, seq=5), advanced())
    assert database.write(arrival()) == [Stored(Verdict.LATE)]
    assert [radio is not None for _, radio in annotated(database)] == [True, False]


def test_a_redelivery_changes_nothing_of_it(database: AnyDatabase) -> None:
    database.write(arrival(), advanced())
    before = database.kept()
    assert database.write(arrival(), advanced(), arrival()) == [
        Stored(Verdict.DUPLICATE),
        True,
        Stored(Verdict.DUPLICATE),
    ]
    assert database.kept() == before


def test_rows_keep_it_when_they_move_and_lose_it_when_they_are_written_over(database: AnyDatabase) -> None:
    database.open(capacity=4)
    times = [0, 1000, 3000, 4000]
    database.write(*[operation for time in times for operation in (arrival(time=NOW + time), advanced(NOW + time))])
    assert all(radio for _, radio in annotated(database))
    late = arrival(time=NOW + 2000)
    assert database.write(late) == [Stored(Verdict.LATE)]
    assert [radio is not None for _, radio in annotated(database)] == [True, False, True, True]
    database.write(SetVehicle(VEHICLE, NOW, keep=3))
    database.tidy()
    assert [radio is not None for _, radio in annotated(database)] == [False, True, True]
    database.write(*[arrival(time=NOW + 5000 + number) for number in range(3)])
    assert [radio for _, radio in annotated(database)] == [None] * 3


def test_a_group_that_is_undone_leaves_it_waiting(database: AnyDatabase) -> None:
    database.write(advanced())
    poison = arrival(time=NOW + 1000, seq=1, fields="{}")
    results = database.write(advanced(NOW + 1000, 1), poison)
    assert results[0] is False and len(waiting(database)) == database.store.waiting_rows == 2
    database.write(arrival(), arrival(time=NOW + 1000, seq=1))
    assert all(radio for _, radio in annotated(database))
    assert len(waiting(database)) == database.store.waiting_rows == 0


def test_so_many_wait_and_no_more_are_taken(database: AnyDatabase) -> None:
    database.limit(annotations_waiting=5)
    results = database.write(*(advanced(NOW + number, number % 3) for number in range(9)))
    assert results[:5] == [False] * 5
    assert {type(result) for result in results[5:]} == {Unavailable}
    assert database.write(advanced(NOW + 4, 1)) == [False], "one that waits already may come again"
    assert [row.time - NOW for row in waiting(database)] == [*range(5)]
    assert database.store.waiting_rows == 5
    assert database.write(arrival(), advanced(NOW + 99)) == [Stored(Verdict.NEWEST), False], "one place is free again"


def test_one_of_a_vehicle_whose_statuses_would_be_refused_is_refused(database: AnyDatabase) -> None:
    database.open(create_unknown=False)
    assert isinstance(database.write(advanced())[0], UnknownVehicle)
    database.open(create_unknown=True, vehicles_max=1)
    results = database.write(arrival(), advanced(vehicle="OTHER"))
    assert isinstance(results[1], LimitReached)
    assert database.store.waiting_rows == 0


# What waits


def test_what_waits_is_read_by_its_age_as_it_came_first(database: AnyDatabase) -> None:
    said = [advanced(NOW + number, number, received=NOW + number, document=b'{"a":1}') for number in range(3)]
    database.write(*said)
    database.write(msgspec.structs.replace(said[0], received=NOW + 99, radio=b'{"lqi":"POOR"}', location=None))
    assert [row.time - NOW for row in database.waiting.since(NOW + 1, 10)] == [0, 1]
    assert [row.time - NOW for row in database.waiting.since(None, 2)] == [0, 1], "the oldest first"
    assert [row.time - NOW for row in database.waiting.ahead(NOW + 1, 10)] == [2]
    assert database.waiting.since(NOW - 1, 10) == database.waiting.ahead(NOW + 2, 10) == []
    (first, *_) = database.waiting.since(None, 1)
    assert (first.vehicle, first.seq, first.source, first.received) == (VEHICLE, 0, "advanced", NOW)
    assert (first.radio, first.location, first.document) == (b'{"lqi":"POOR"}', HERE, b'{"a":1}'), "the latest of each"


def test_one_that_waits_no_longer_goes_to_its_message_or_nowhere(database: AnyDatabase) -> None:
    """A message with another payload came, or none."""
    database.write(advanced(payload=b"\x02"), advanced(NOW + 1, None), arrival())
    numbers = [row.number for row in waiting(database)]
    assert len(numbers) == 2, "its payload is another one"
    assert database.write(*(WaitNoLonger(number) for number in numbers), WaitNoLonger(999)) == [None] * 3
    assert waiting(database) == [] and database.store.waiting_rows == 0
    assert annotated(database) == [({"state": 1}, None)]


def test_a_message_of_data_advanced_alone_is_the_same_as_its_data(database: AnyDatabase) -> None:
    """Whichever comes first, the DATA stands: it says more, and is pushed once."""
    alone = arrival(status_id="a" * 16, payload=None, fields=b"{}", flags=ALONE)
    data = arrival(fields=b'{"state":1}')
    assert database.write(alone, data, alone) == [
        *(Stored(Verdict.NEWEST), Stored(Verdict.DUPLICATE), Stored(Verdict.DUPLICATE))
    ]
    (kept,) = database.kept()
    assert (kept.status_id, kept.payload, kept.fields, kept.flags) == (data.status_id, b"\x01", data.fields, "")


def test_a_status_by_wlan_is_no_twin_of_data_advanced(database: AnyDatabase) -> None:
    alone = arrival(status_id="a" * 16, payload=None, fields=b"{}", flags=ALONE)
    database.write(alone, arrival(connectivity=2))
    assert len(database.kept()) == 2


# In any order


times = st.integers(0, 12).map(lambda number: NOW + number * 1000)
said = st.one_of(
    st.builds(lambda time: arrival(time=time, fields=b'{"state":1}', payload=b"1"), times),
    st.builds(lambda time: arrival(time=time + 20_000, fields=OWN), times),
    st.builds(lambda time, payload: advanced(time, payload=payload), times, st.sampled_from([None, b"1"])),
    st.builds(geoloc, times),
    st.builds(lambda time, source: source(time + 20_000), times, st.sampled_from([advanced, geoloc])),
)


def kind(operation: Any) -> tuple[Any, ...]:
    return type(operation).__name__, operation.time, getattr(operation, "source", "")


def test_in_whatever_order_messages_and_annotations_come_the_rows_are_the_same(database: AnyDatabase) -> None:
    """In one database, by two vehicles of their own for each example."""
    database.open(capacity=60)
    examples = count(1)

    def of(vehicle: str, said: Sequence[Any]) -> list[Any]:
        return [msgspec.structs.replace(one, vehicle=vehicle) for one in said]

    def kept(vehicle: str) -> list[KeptStatus]:
        return [msgspec.structs.replace(one, vehicle="") for one in database.kept(vehicle)]

    @settings(max_examples=40)
    @given(st.data())
    def come(data: Any) -> None:
        everything = data.draw(st.lists(said, min_size=1, max_size=20, unique_by=kind))
        again = data.draw(st.lists(st.sampled_from(everything), max_size=6))
        in_order = sorted(everything, key=lambda one: (one.time, not isinstance(one, Arrive)))
        as_it_came = data.draw(st.permutations([*everything, *again]))
        size = data.draw(st.integers(1, len(as_it_came)))
        number = next(examples)
        database.write(*of(f"{number:X}-A", in_order))
        for first in range(0, len(as_it_came), size):
            database.write(*of(f"{number:X}-B", as_it_came[first : first + size]))
            if number % 9 == 0 and not first:
                database.open()
        assert kept(f"{number:X}-A") == kept(f"{number:X}-B")

    come()
