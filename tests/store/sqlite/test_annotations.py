"""What the network says of messages is merged into their rows, the same in whatever order all of it comes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from builders import NOW, arrival, new_store, ring_of, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.errors import Unavailable
from evd.model.operations import Annotate, Arrive, SetVehicle, Stored
from evd.model.retention import Verdict
from evd.model.units import HOUR_MS
from evd.store.sqlite import annotations
from evd.store.sqlite.annotations import Said, located, merged
from evd.store.sqlite.database import SqliteDatabase

Opener = Callable[..., SqliteDatabase]
VEHICLE = "386625"
HERE, THERE = "48.1,11.5", "47.9,11.2"
GOOD = b'{"lqi":"GOOD","operatorName":"Ostsee","duplicates":[{"bsId":"1"},{"bsId":"2"}]}'


def advanced(time: int = NOW, seq: int | None = 0, **others: Any) -> Annotate:
    given = {"vehicle": VEHICLE, "payload": None, "source": "advanced", "radio": GOOD, "location": HERE}
    return Annotate(time=time, seq=seq, received=NOW, **given | others)


def geoloc(time: int = NOW, seq: int | None = 0, **others: Any) -> Annotate:
    return advanced(time, seq, **{"source": "geoloc", "radio": b'{"radius":900}', "location": THERE} | others)


def annotated(path: Path) -> list[tuple[Any, Any]]:
    """(fields, radio) of each status in the ring's order."""
    return [
        (orjson.loads(fields), radio and orjson.loads(radio))
        for fields, radio in rows(path, "SELECT fields, radio FROM ring ORDER BY vehicle, position")
    ]


def table(path: Path) -> list[Any]:
    return rows(path, "SELECT id, fields, radio FROM ring ORDER BY vehicle, position")


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
    open_store: Opener,
    database: Path,
    fields: bytes,
    said: list[Annotate],
    location: str | None,
    location_from: str | None,
    first: str,
) -> None:
    store, message = open_store(), arrival(fields=fields)
    store.write([message, *said] if first == "the message" else [*said, message])
    assert rows(database, "SELECT location, location_from FROM radio") == [(location, location_from)]
    (found,) = annotated(database)
    assert found[0].get("location") == location
    assert set(found[1]) - {"location", "location_from"} == {one.source for one in said}


def test_what_is_said_is_merged_and_the_rest_of_the_status_stays(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([arrival(fields=b'{"state":1,"range":2.50}')])
    before = rows(database, "SELECT id, time, seq, received, payload, document, flags FROM ring")
    assert store.write([advanced(), geoloc(), geoloc()]) == [True, True, True]
    assert rows(database, "SELECT fields, radio FROM ring") == [
        (
            f'{{"state":1,"range":2.50,"location":"{HERE}"}}',
            f'{{"advanced":{GOOD.decode()},"geoloc":{{"radius":900}},"location":"{HERE}","location_from":"advanced"}}',
        )
    ]
    assert rows(database, "SELECT id, time, seq, received, payload, document, flags FROM ring") == before


def test_the_views_show_link_quality_and_operator(open_store: Opener, database: Path) -> None:
    open_store().write([arrival(), arrival(time=NOW + 1000, seq=1), advanced()])
    assert rows(database, "SELECT seq, lqi, operator, location FROM history") == [
        (0, "GOOD", "Ostsee", HERE),
        (1, None, None, None),
    ]
    assert rows(database, "SELECT seq, lqi, operator, stations FROM radio") == [(0, "GOOD", "Ostsee", 2)]
    assert rows(database, "SELECT radio FROM last") == [(None,)]


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
    open_store: Opener, database: Path, message: Arrive, annotation: Annotate, meant: bool, order: int
) -> None:
    store = open_store()
    for one in [message, annotation][::order]:
        store.write([one])
    assert (annotated(database)[0][1] is not None) is meant
    assert rows(database, "SELECT count(*) FROM radio_waiting") == [(0 if meant else 1,)]


def test_what_waits_is_known_to_the_next_start(open_store: Opener, database: Path) -> None:
    store = open_store()
    assert store.write([advanced()]) == [False]
    store.close()
    assert open_store().write([arrival()]) == [Stored(Verdict.NEWEST)]
    assert len(rows(database, "SELECT * FROM radio")) == 1


def test_what_waits_is_merged_into_a_late_message_too(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([arrival(time=NOW + 5000, seq=5), advanced()])
    assert store.write([arrival()]) == [Stored(Verdict.LATE)]
    assert [radio is not None for _, radio in annotated(database)] == [True, False]


def test_a_redelivery_changes_nothing_of_it(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([arrival(), advanced()])
    before = table(database)
    assert store.write([arrival(), advanced(), arrival()]) == [
        Stored(Verdict.DUPLICATE),
        True,
        Stored(Verdict.DUPLICATE),
    ]
    assert table(database) == before


def test_rows_keep_it_when_they_move_and_lose_it_when_they_are_written_over(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=4)
    times = [0, 1000, 3000, 4000]
    store.write([operation for time in times for operation in (arrival(time=NOW + time), advanced(NOW + time))])
    assert all(radio for _, radio in annotated(database))
    late = arrival(time=NOW + 2000)
    assert store.write([late]) == [Stored(Verdict.LATE)]
    assert [radio is not None for _, radio in annotated(database)] == [True, False, True, True]
    store.write([SetVehicle(VEHICLE, NOW, keep=3)])
    while store.maintain():
        pass
    assert [radio is not None for _, radio in annotated(database)] == [False, True, True]
    store.write([arrival(time=NOW + 5000 + number) for number in range(3)])
    assert [radio for _, radio in annotated(database)] == [None] * 3


def test_a_group_that_is_undone_leaves_it_waiting(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([advanced()])
    poison = arrival(time=NOW + 1000, seq=1, fields="{}")
    results = store.write([advanced(NOW + 1000, 1), poison])
    assert results[0] is False and len(rows(database, "SELECT * FROM radio_waiting")) == 2
    store.write([arrival(), arrival(time=NOW + 1000, seq=1)])
    assert all(radio for _, radio in annotated(database))
    assert rows(database, "SELECT * FROM radio_waiting") == []
    assert not store._rings.annotations.waiting


def test_so_many_wait_and_no_more_are_taken(
    open_store: Opener, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotations, "WAITING_MAX", 5)
    store = open_store()
    results = store.write([advanced(NOW + number, number % 3) for number in range(9)])
    assert results[:5] == [False] * 5
    assert {type(result) for result in results[5:]} == {Unavailable}
    assert store.write([advanced(NOW + 4, 1)]) == [False], "one that waits already may come again"
    assert rows(database, "SELECT time - ? FROM radio_waiting ORDER BY number", NOW) == [(n,) for n in range(5)]
    assert sorted(time - NOW for _, time, _ in store._rings.annotations.waiting) == [*range(5)], "memory says the same"


def test_new_fields_keep_the_networks_location_unless_they_have_their_own() -> None:
    fields, radio = merged("{}", None, Said("advanced", None, b"{}", HERE))
    assert located(b'{"state":2}', radio.decode()) == f'{{"state":2,"location":"{HERE}"}}'.encode()
    assert located(OWN, radio.decode()) == OWN
    assert located(b"{}", None) == b"{}"
    again, _ = merged(OWN.decode(), radio.decode(), Said("advanced", None, b"{}", THERE))
    assert orjson.loads(again) == {"location": "1,2"}, "the vehicle's own one stands, though the network was first"
    assert orjson.loads(fields) == {"location": HERE}


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


@settings(max_examples=80)
@given(st.data())
def test_in_whatever_order_messages_and_annotations_come_the_rows_are_the_same(data: Any) -> None:
    everything = data.draw(st.lists(said, min_size=1, max_size=20, unique_by=kind))
    again = data.draw(st.lists(st.sampled_from(everything), max_size=6))
    in_order = sorted(everything, key=lambda one: (one.time, not isinstance(one, Arrive)))
    as_it_came = data.draw(st.permutations([*everything, *again]))
    directory = Path(tempfile.mkdtemp())
    stores = [new_store(directory / name, capacity=60) for name in ("in-order", "as-it-came")]
    try:
        stores[0].write(in_order)
        for number, one in enumerate(as_it_came):
            stores[1].write([one])
            if number % 5 == 4:
                stores[1].close()
                stores[1] = new_store(directory / "as-it-came", capacity=60)
        assert table(directory / "as-it-came") == table(directory / "in-order")
        assert ring_of(directory / "as-it-came") == ring_of(directory / "in-order")
    finally:
        for store in stores:
            store.close()
        shutil.rmtree(directory)
