"""Statuses: which are kept, in which order, and how they are read."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from any_engine import WHOLE, AnyDatabase
from builders import NOW, arrival

from evd.errors import EvdError
from evd.model.operations import Annotate, MendClock, Redecode, SetVehicle, Several, Stored
from evd.model.retention import Verdict
from evd.model.units import DAY_MS
from evd.store.records import NUMBER_MAX, PageLimit, TimeSpan

ALL = TimeSpan("386625", -NUMBER_MAX, NUMBER_MAX)


def verdicts(database: AnyDatabase, *group: Any) -> list[Verdict]:
    return [result.verdict for result in database.write(*group)]


def test_what_comes_is_placed_by_time_and_number_and_the_newest_n_stay(database: AnyDatabase) -> None:
    database.open(capacity=4)
    said = [arrival(time=NOW + number // 2, seq=number % 2) for number in range(12)]
    order = random.Random(7).sample(said, len(said))
    database.write(*order[:5])
    database.write(*order[5:])
    assert database.ring() == [one.status_id for one in said[-4:]]
    assert database.last() == said[-1].status_id


def test_the_result_says_what_became_of_each(database: AnyDatabase) -> None:
    database.open(capacity=2)
    old, one, late = arrival(time=NOW - 9), arrival(), arrival(time=NOW - 1)
    assert verdicts(database, old, one, one) == [Verdict.NEWEST, Verdict.NEWEST, Verdict.DUPLICATE]
    assert verdicts(database, late, old) == [Verdict.LATE, Verdict.TOO_OLD]
    assert verdicts(database, arrival(time=NOW + 2 * DAY_MS)) == [Verdict.NO_ROOM]
    assert verdicts(database, arrival("B", time=NOW + 2 * DAY_MS)) == [Verdict.AHEAD]
    assert database.ring() == [late.status_id, one.status_id]


def test_equal_time_and_number_with_another_payload_are_two_statuses_by_arrival(database: AnyDatabase) -> None:
    pair = [arrival(payload=b"\x02"), arrival(payload=b"\x01")]
    assert verdicts(database, *pair) == [Verdict.NEWEST] * 2
    assert database.ring() == [one.status_id for one in pair]


def test_the_future_is_no_last_status_until_the_clock_is_mended(database: AnyDatabase) -> None:
    ahead = arrival(time=NOW + 2 * DAY_MS)
    database.write(arrival(), ahead)
    assert database.last() == arrival().status_id
    database.write(MendClock(NOW + 3 * DAY_MS))
    while database.store.maintain():
        pass
    assert database.last() == ahead.status_id


def test_what_was_committed_is_there_after_it_was_opened_anew(database: AnyDatabase) -> None:
    said = [arrival(time=NOW + number) for number in range(25)]
    for one in said:
        database.write(one)
    database.open()
    assert database.ring() == [one.status_id for one in said[-10:]]
    assert verdicts(database, said[-1], said[0]) == [Verdict.DUPLICATE, Verdict.TOO_OLD]


def test_a_group_that_was_prepared_and_not_committed_leaves_nothing(database: AnyDatabase) -> None:
    database.write(arrival())
    steps = database.store.prepare([arrival(time=NOW + number) for number in range(1, 100)])
    next(steps)
    steps.close()
    assert database.ring() == [arrival().status_id]
    assert verdicts(database, arrival(time=NOW + 1)) == [Verdict.NEWEST]


def test_an_operation_that_cannot_be_written_costs_its_group_nothing(database: AnyDatabase) -> None:
    before, error, after = database.write(arrival(), SetVehicle("386625", NOW, keep=0), arrival(time=NOW + 1))
    assert isinstance(error, EvdError)
    assert (before, after) == (Stored(Verdict.NEWEST), Stored(Verdict.NEWEST))
    assert len(database.ring()) == 2


def test_operations_of_one_request_have_a_list_of_results(database: AnyDatabase) -> None:
    ((first, second),) = database.write(Several((arrival(), arrival())))
    assert (first.verdict, second.verdict) == (Verdict.NEWEST, Verdict.DUPLICATE)


def test_vehicles_are_bounded_and_may_have_to_be_known(database: AnyDatabase) -> None:
    database.open(vehicles_max=1)
    assert "ingest.vehicles_max" in str(database.write(arrival("A"), arrival("B"))[1])
    database.open(create_unknown=False)
    assert "vehicle C is not known" in str(database.write(arrival("C"))[0])


def test_a_vehicle_s_own_number_of_statuses_counts(database: AnyDatabase) -> None:
    said = [arrival(time=NOW + number) for number in range(9)]
    database.write(*said, SetVehicle("386625", NOW, keep=3))
    assert database.ring() == [one.status_id for one in said[-3:]]
    while database.store.maintain():
        pass
    database.write(SetVehicle("386625", NOW, keep=5), arrival(time=NOW + 99))
    assert database.ring() == [*(one.status_id for one in said[-3:]), arrival(time=NOW + 99).status_id]


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
def test_pages_together_are_the_span(database: AnyDatabase, rows: int) -> None:
    said = [arrival(time=NOW + 10 * number, seq=number) for number in range(8)]
    database.write(*said)
    span, found, after, more = TimeSpan("386625", NOW + 10, NOW + 60), [], None, True
    while more:
        page, more = database.ask(lambda queries, at=after: queries.range_page(span, at, PageLimit(rows, 10_000)))
        found += page
        after = page[-1].sort_key
    assert [one.status_id for one in found] == [one.status_id for one in said[1:7]]


def test_a_status_is_read_as_it_was_written(database: AnyDatabase) -> None:
    said = arrival(fields=b'{"range":2.5}', document=b'{"a":1}', flags="undecoded", seq=None)
    database.write(said)
    status = database.ask(lambda queries: queries.last("386625"))
    kept = database.ask(lambda queries: queries.kept(ALL, None, WHOLE))[0][0]
    assert status is not None and database.ask(lambda queries: queries.at("386625", status.sort_key)) == status
    assert database.ask(lambda queries: queries.at("386625", (NOW, -1, "another"))) is None
    names = ("vehicle", "status_id", "time", "seq", "connectivity", "payload", "fields", "received", "flags")
    assert [getattr(status, name) for name in names] == [getattr(said, name) for name in names]
    assert (kept.time, kept.seq, kept.document, kept.flags) == (NOW, None, b'{"a":1}', "undecoded")


def test_flags_are_counted_and_the_newest_flagged_one_is_found(database: AnyDatabase) -> None:
    flagged = [arrival(time=NOW + number, flags=flags) for number, flags in enumerate(["a b", "a", ""])]
    database.write(*flagged)
    assert database.ask(lambda queries: queries.flagged("386625")) == {"a": 2, "b": 1}
    newest = database.ask(lambda queries: queries.last_flagged("386625", "a"))
    assert newest is not None and newest.time == NOW + 1
    assert database.ask(lambda queries: queries.last_flagged("386625", "c")) is None


def test_a_status_that_is_decoded_anew_has_the_new_fields_unless_it_is_gone(database: AnyDatabase) -> None:
    one = arrival()
    redecode = Redecode("386625", one.status_id, one.time, one.seq, b'{"state":2}', "disagrees")
    assert database.write(one, redecode, msgspec.structs.replace(redecode, status_id="gone"))[1:] == [True, False]
    status = database.ask(lambda queries: queries.last("386625"))
    assert status is not None and (status.fields, status.flags) == (b'{"state":2}', "disagrees")


@pytest.mark.parametrize("order", [1, -1])
def test_radio_metadata_waits_for_its_message_or_is_merged_at_once(database: AnyDatabase, order: int) -> None:
    said = Annotate("386625", NOW, 0, None, "advanced", b'{"lqi":"GOOD"}', "48.1,11.5", NOW)
    for one in [said, arrival(fields=b"{}")][::order]:
        database.write(one)
    status = database.ask(lambda queries: queries.last("386625"))
    assert status is not None and status.values() == {"location": "48.1,11.5"}
    assert database.store.waiting_rows == 0


def test_radio_metadata_whose_message_does_not_come_is_read_by_age(database: AnyDatabase) -> None:
    for number in range(3):
        said = Annotate("386625", NOW + number, number, None, "geoloc", b"{}", None, NOW + number)
        assert database.write(said) == [False]
    waiting = database.store.waiting_metadata()
    assert [row.time - NOW for row in waiting.since(NOW + 1, 10)] == [0, 1]
    assert [row.time - NOW for row in waiting.since(None, 2)] == [0, 1]
    assert [row.time - NOW for row in waiting.ahead(NOW + 1, 10)] == [2]
    assert database.store.waiting_rows == 3


def test_what_is_behind_a_place_ties_in_the_order_they_came(database: AnyDatabase) -> None:
    ring = [
        arrival(time=NOW + at, seq=seq, payload=bytes([number]))
        for number, (at, seq) in enumerate([(0, 0), (10, 1), (10, 1), (10, 1), (10, 2), (20, None)])
    ]
    database.write(*ring, arrival(time=NOW + 10**9, seq=7))
    ids = [status.status_id for status in ring]

    def behind(at: int, seq: int, status_id: str, limit: int = 10) -> list[str]:
        places = database.ask(lambda queries: queries.since("386625", (NOW + at, seq, status_id), limit))
        return [one for _, _, one in places]

    assert behind(0, 0, ids[0]) == ids[1:6]
    assert behind(10, 1, ids[2]) == ids[3:6]
    assert behind(20, -1, ids[5]) == []
    assert behind(10, 1, "fallen out") == ids[1:6]
    assert behind(0, 0, ids[0], limit=2) == ids[4:6]
    lasts = database.ask(lambda queries: queries.lasts(10))
    assert [(vehicle, place[2]) for vehicle, place in lasts] == [("386625", ids[5])]
