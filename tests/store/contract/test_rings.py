"""The rings: whatever arrives, in whatever groups, readers see the newest N; what lies in the future ranks last."""

from __future__ import annotations

from typing import Any

import pytest
from any_engine import AnyDatabase
from builders import NOW, arrival
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from ring_model import RingMachine

from evd.model.operations import NEWEST, Annotate, MendClock, SetVehicle, Stored
from evd.model.retention import Verdict
from evd.model.units import DAY_MS
from evd.store.vehicle_records import FleetRow


def verdicts(database: AnyDatabase, *group: Any) -> list[Verdict]:
    return [result.verdict for result in database.write(*group)]


def fleet(database: AnyDatabase, vehicle: str = "386625") -> FleetRow:
    row = database.ask(lambda queries: queries.vehicle(vehicle))
    assert row is not None
    return row


def test_a_ring_is_a_sorted_list_whatever_happens(engine: str) -> None:
    run_state_machine_as_test(
        lambda: RingMachine(engine), settings=settings(max_examples=12, stateful_step_count=20, deadline=None)
    )


def test_the_result_says_what_became_of_each(database: AnyDatabase) -> None:
    database.open(capacity=2)
    old, one, late = arrival(time=NOW - 9), arrival(), arrival(time=NOW - 1)
    assert verdicts(database, old, one, one) == [Verdict.NEWEST, Verdict.NEWEST, Verdict.DUPLICATE]
    assert verdicts(database, late, old) == [Verdict.LATE, Verdict.TOO_OLD]
    assert verdicts(database, arrival(time=NOW + 2 * DAY_MS)) == [Verdict.NO_ROOM]
    assert verdicts(database, arrival("B", time=NOW + 2 * DAY_MS)) == [Verdict.AHEAD]
    assert database.ring() == [late.status_id, one.status_id]
    assert fleet(database).too_old == 2, "what was not kept is counted"


def test_the_newest_has_that_very_result(database: AnyDatabase) -> None:
    """Observers of commits look for the object: nearly every arrival has it."""
    results = database.write(arrival(), arrival(time=NOW + 1), arrival(time=NOW + 1))
    assert [result is NEWEST for result in results] == [True, True, False]


def test_equal_time_and_number_with_another_payload_are_two_statuses_by_arrival(database: AnyDatabase) -> None:
    """Also where the second one comes after a restart, and others came between them."""
    first, second, third = (arrival(payload=payload) for payload in (b"\x02", b"\x01", b"\x03"))
    assert verdicts(database, first, second) == [Verdict.NEWEST] * 2
    database.open()
    database.write(*(arrival("other", time=NOW + i) for i in range(5)), third)
    assert database.ring() == [one.status_id for one in (first, second, third)]
    assert database.last() == third.status_id


def test_a_redelivery_changes_nothing(database: AnyDatabase) -> None:
    database.write(arrival(document=b'{"first":1}'))
    before = database.kept()
    again = arrival(document=b'{"again":1}', fields=b'{"state":2}', now=NOW + 60_000)
    assert verdicts(database, again, again) == [Verdict.DUPLICATE] * 2
    assert database.kept() == before


def test_a_setting_between_two_deliveries_of_a_group_hides_nothing(database: AnyDatabase) -> None:
    results = database.write(arrival(), SetVehicle("386625", NOW, keep=5), arrival(), arrival(time=NOW - 1))
    assert [result.verdict for result in results if result] == [Verdict.NEWEST, Verdict.DUPLICATE, Verdict.LATE]
    assert fleet(database).kept == 2


def test_what_was_committed_is_there_after_it_was_opened_anew(database: AnyDatabase) -> None:
    said = [arrival(time=NOW + number) for number in range(25)]
    for one in said:
        database.write(one)
    database.open()
    assert database.ring() == [one.status_id for one in said[-10:]]
    assert verdicts(database, said[-1], said[0]) == [Verdict.DUPLICATE, Verdict.TOO_OLD]


# How many are kept


@pytest.mark.parametrize("tidied", [False, True])
def test_a_lowered_ring_is_shorter_at_once_and_a_raised_one_fills_up(database: AnyDatabase, tidied: bool) -> None:
    """All rings by the setting, or one by its own; also where the ring went round before."""
    said = [arrival(time=NOW + number) for number in range(30)]
    ids = [one.status_id for one in said]
    database.open(capacity=8)
    database.write(*said[:13], arrival("B"))
    database.open(capacity=3)
    assert database.ring() == ids[10:13]
    if tidied:
        database.tidy()
    assert verdicts(database, said[9]) == [Verdict.TOO_OLD], "room that is not needed any more is none"
    database.write(SetVehicle("386625", NOW, keep=2))
    assert database.ring() == ids[11:13]
    if tidied:
        database.tidy()
    database.write(SetVehicle("386625", NOW, keep=5))
    if tidied:
        database.tidy()
    database.write(*said[13:16])
    assert database.ring() == ids[11:16]
    database.write(*said[16:18])
    assert database.ring() == ids[13:18]
    database.write(SetVehicle("386625", NOW, keep=None))
    assert database.ring() == ids[15:18], "the setting's number again"


def test_one_vehicle_s_number_is_its_own(database: AnyDatabase) -> None:
    database.write(*(arrival(vehicle, time=NOW + i) for i in range(10) for vehicle in "AB"))
    database.write(SetVehicle("A", NOW, keep=2))
    database.tidy()
    assert (len(database.ring("A")), len(database.ring("B"))) == (2, 10)


# The future


def test_the_future_is_kept_flagged_and_nothing_else(database: AnyDatabase) -> None:
    timely, ahead = arrival(time=NOW + DAY_MS), arrival(time=NOW + DAY_MS + 1)
    assert verdicts(database, timely) == [Verdict.NEWEST], "24 h to the millisecond is timely"
    assert verdicts(database, ahead) == [Verdict.AHEAD]
    assert (database.last(), fleet(database).kept) == (timely.status_id, 2)
    assert [one.flags for one in database.kept()] == ["", "ahead"]


def test_a_future_status_that_comes_again_when_its_time_is_near_is_the_same_one_and_timely(
    database: AnyDatabase,
) -> None:
    """So a message that came while the clock was behind counts once the clock is right and Sigfox repeats it."""
    ahead = arrival(time=NOW + DAY_MS + 1000)
    again = arrival(time=ahead.time, now=NOW + 60_000)
    assert verdicts(database, ahead, ahead) == [Verdict.AHEAD, Verdict.DUPLICATE]
    assert verdicts(database, again, again) == [Verdict.NEWEST, Verdict.DUPLICATE]
    (kept,) = database.kept()
    assert (kept.status_id, kept.flags, kept.received) == (ahead.status_id, "", NOW), "as of when it came first"


def test_a_clock_that_was_behind_costs_no_status_its_rank(database: AnyDatabase) -> None:
    """What the network said of a message goes with it."""
    database.open(capacity=200)
    said = [arrival(time=NOW + 3 * DAY_MS + number) for number in range(150)]
    far = arrival(time=NOW + 30 * DAY_MS)
    assert set(verdicts(database, arrival(), far, *said)) == {Verdict.NEWEST, Verdict.AHEAD}
    database.write(Annotate(said[7].vehicle, said[7].time, said[7].seq, None, "advanced", b'{"lqi":"GOOD"}', None, NOW))
    assert database.last() == arrival().status_id
    assert database.write(MendClock(NOW + 4 * DAY_MS)) == [None]
    database.tidy()
    assert (database.last(), fleet(database).kept) == (said[-1].status_id, 152)
    kept = database.kept()
    assert [one.status_id for one in kept] == [one.status_id for one in (arrival(), *said, far)]
    assert [one.status_id for one in kept if one.flags] == [far.status_id], "far ahead of any clock"
    assert [one.status_id for one in kept if one.radio] == [said[7].status_id]
    assert database.write(arrival(time=NOW + 3 * DAY_MS + 150, now=NOW + 3 * DAY_MS)) == [Stored(Verdict.NEWEST)]


def test_the_future_falls_out_first(database: AnyDatabase) -> None:
    database.open(capacity=2)
    late = arrival(time=NOW - 5)
    assert verdicts(database, arrival(time=NOW + 2 * DAY_MS), arrival(), late) == [
        Verdict.AHEAD,
        Verdict.NEWEST,
        Verdict.LATE,
    ]
    assert database.ring() == [late.status_id, arrival().status_id]
