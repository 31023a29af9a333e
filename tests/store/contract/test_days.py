"""The count of frames: a vehicle's days are a matter of its frames, not of their order, repeats, groups or restarts."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import count
from typing import Any, NamedTuple

import msgspec
import pytest
from any_engine import AnyDatabase
from builders import NOW, arrival
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.config.settings import Config
from evd.model.frame_counter import SEQ_MAX, gap
from evd.model.operations import Frame, Operation, UnknownVehicle
from evd.model.retention import Verdict
from evd.model.units import DAY_MS, HOUR_MS, MINUTE_MS
from evd.store.rules import DAYS_KEPT, FRAMES_MAX

VEHICLE = "386625"
CONTRACT = Config().sigfox.daily_budget
MIDNIGHT = NOW // DAY_MS * DAY_MS


def days(database: AnyDatabase, vehicle: str = VEHICLE) -> list[tuple[str, int, int, int]]:
    """(day, received, lost, restarts of the count), the oldest first."""
    rows = database.ask(lambda queries: queries.days(vehicle)).rows
    return [(row["day"], row["received"], row["lost"], row["resets"]) for row in rows]


class Sent(NamedTuple):
    """Something that a vehicle sent: `data` and `status` are counted, `wlan` is not."""

    kind: str
    time: int
    seq: int


def operation(sent: Sent) -> Operation:
    if sent.kind == "status":
        return Frame(VEHICLE, sent.time, sent.seq, NOW)
    if sent.kind == "wlan":
        return arrival(VEHICLE, time=sent.time, seq=None, payload=None, connectivity=2)
    return arrival(VEHICLE, time=sent.time, seq=sent.seq)


def expected_days(everything: set[Sent]) -> list[tuple[str, int, int, int]]:
    """As a person would count: the distinct frames in order, each gap to the day of the frame after it."""
    frames = sorted({(sent.time, sent.seq) for sent in everything if sent.kind != "wlan"})
    days: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for number, (time, seq) in enumerate(frames):
        day = days[time // DAY_MS]
        day[0] += 1
        if number:
            lost, reset = gap(frames[number - 1][1], seq, time - frames[number - 1][0], CONTRACT)
            day[1] += lost
            day[2] += reset
    newest = max(days, default=0)
    kept = {day: counted for day, counted in days.items() if day >= newest - DAYS_KEPT}
    return [(iso_day(day), *counted) for day, counted in sorted(kept.items())]


def iso_day(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


#: Times on a coarse grid, so that there are ties; numbers that mostly rise with the time, so that there are real gaps.
sent = st.one_of(
    st.builds(
        lambda kind, step, jitter: Sent(kind, NOW - 4 * DAY_MS + step * HOUR_MS, (3900 + step * 4 + jitter) % 4096),
        st.sampled_from(["data", "data", "status"]),
        st.integers(0, 96),
        st.integers(0, 3),
    ),
    st.builds(
        Sent, st.sampled_from(["data", "status", "wlan"]), st.integers(0, 5).map(lambda n: NOW - n * DAY_MS),
        st.integers(0, SEQ_MAX),
    ),
    st.builds(lambda n: Sent("data", NOW - n * 20 * DAY_MS, n), st.integers(0, 8)),
)  # fmt: skip
PAUSES = ("go on", "go on", "new group", "new group", "restart")


def test_the_days_hang_on_the_frames_and_not_on_their_order_repeats_groups_or_restarts(database: AnyDatabase) -> None:
    """In one database, by a vehicle of its own for each example."""
    database.open(capacity=200)
    examples = count(1)

    @settings(max_examples=25)
    @given(st.data())
    def come(data: Any) -> None:
        vehicle = f"{next(examples):X}"
        unique = st.lists(sent, min_size=1, max_size=40, unique_by=lambda one: (one.kind, one.time, one.seq))
        everything = data.draw(unique)
        in_order = data.draw(st.booleans())
        again = data.draw(st.lists(st.sampled_from(everything), max_size=10))
        by_time = sorted(everything, key=lambda one: one.time)
        delivered = [*by_time, *again] if in_order else data.draw(st.permutations([*everything, *again]))
        group, done = [], []
        for one in delivered:
            group.append(msgspec.structs.replace(operation(one), vehicle=vehicle))
            done.append(one)
            pause = data.draw(st.sampled_from(PAUSES))
            if pause == "go on" and one is not delivered[-1]:
                continue
            database.write(*group)
            group = []
            assert days(database, vehicle) == expected_days(set(done)), "exact at every moment"
            if pause == "restart":
                database.open()

    come()


def test_a_day_has_the_share_received_and_what_is_used_of_the_budget(database: AnyDatabase) -> None:
    database.write(arrival(time=MIDNIGHT, seq=0), arrival(time=MIDNIGHT + 1000, seq=3))
    (day,) = database.ask(lambda queries: queries.days(VEHICLE)).rows
    assert (day["vehicle"], day["share"], day["used"]) == (VEHICLE, 50.0, 4)
    assert database.ask(lambda queries: queries.days("NOBODY")).rows == []
    assert database.ask(lambda queries: queries.day_of(day["day"], ["NOBODY", VEHICLE])) == [day]
    assert database.ask(lambda queries: queries.day_of("1999-12-31", [VEHICLE])) == []
    assert database.ask(lambda queries: queries.day_of(day["day"], [])) == []


def test_a_gap_over_midnight_belongs_to_the_day_after_it(database: AnyDatabase) -> None:
    database.write(arrival(time=MIDNIGHT - MINUTE_MS, seq=4090), arrival(time=MIDNIGHT, seq=2))
    assert days(database) == [("2023-11-13", 1, 0, 0), ("2023-11-14", 1, 7, 0)]
    database.write(arrival(time=MIDNIGHT - 1, seq=4092))
    assert days(database) == [("2023-11-13", 2, 1, 0), ("2023-11-14", 1, 5, 0)]


def test_a_status_frame_is_no_gap_and_no_status(database: AnyDatabase) -> None:
    database.write(arrival(time=NOW, seq=1), arrival(time=NOW + 2000, seq=3))
    frame = Frame(VEHICLE, NOW + 1000, 2, NOW)
    assert database.write(frame, frame) == [None, None]
    assert days(database) == [("2023-11-14", 3, 0, 0)]
    assert len(database.ring()) == 2


def test_a_frame_of_an_unknown_vehicle_makes_it_known_or_is_refused(database: AnyDatabase) -> None:
    database.open(create_unknown=False)
    (refused,) = database.write(Frame(VEHICLE, NOW, 2, NOW))
    assert isinstance(refused, UnknownVehicle)
    database.open(create_unknown=True)
    database.write(Frame(VEHICLE, NOW, 2, NOW))
    assert database.ask(lambda queries: queries.vehicles_from("", 9)) == [VEHICLE]
    assert database.last() is None
    assert days(database) == [("2023-11-14", 1, 0, 0)]


def test_a_frame_from_the_future_is_not_counted(database: AnyDatabase) -> None:
    database.write(Frame(VEHICLE, NOW + DAY_MS + 1, 9, NOW), arrival(time=NOW + DAY_MS + 1, seq=9), arrival(seq=1))
    assert days(database) == [("2023-11-14", 1, 0, 0)]


@pytest.mark.parametrize(
    "status",
    [
        arrival(connectivity=2, seq=5),
        arrival(seq=None),
        arrival(seq=4096),
        arrival(seq=2**31),
    ],
    ids=["by WLAN", "without a number", "beyond 12 bits", "far beyond"],
)
def test_what_sigfox_did_not_number_is_not_counted(database: AnyDatabase, status: Any) -> None:
    database.write(status)
    assert days(database) == []


def test_a_duplicate_and_one_too_old_for_its_ring_count_nothing(database: AnyDatabase) -> None:
    database.open(capacity=2)
    database.write(*[arrival(time=NOW + number, seq=number) for number in range(3)])
    before = days(database)
    results = database.write(arrival(time=NOW + 2, seq=2), arrival(time=NOW, seq=0))
    assert [result.verdict for result in results] == [Verdict.DUPLICATE, Verdict.TOO_OLD]
    assert days(database) == before == [("2023-11-14", 3, 0, 0)]


def test_days_end_ninety_before_the_newest(database: AnyDatabase) -> None:
    database.open(capacity=200)
    database.write(*[arrival(time=NOW + number * DAY_MS, seq=number, now=NOW + 200 * DAY_MS) for number in range(120)])
    kept = days(database)
    assert len(kept) == DAYS_KEPT + 1
    database.write(arrival(time=NOW + 5 * DAY_MS + 1, seq=5, payload=b"late", now=NOW + 200 * DAY_MS))
    assert days(database) == kept


def test_of_other_frames_so_many_are_kept_and_an_older_one_counts_nothing(database: AnyDatabase) -> None:
    frames = [Frame(VEHICLE, NOW + number, number, NOW) for number in range(FRAMES_MAX + 5)]
    database.write(*frames)
    database.write(*frames)
    assert days(database) == [("2023-11-14", FRAMES_MAX + 5, 0, 0)]


def test_a_lowered_and_a_raised_ring_keep_their_count(database: AnyDatabase) -> None:
    database.open(capacity=20)
    for number in range(13):
        database.write(arrival(time=NOW + number, seq=2 * number))
    for capacity in (5, 30):
        database.open()
        database.open(capacity=capacity)
        while database.store.maintain():
            pass
        assert days(database) == [("2023-11-14", 13, 12, 0)]
    database.write(arrival(time=NOW + 100, seq=26))
    assert days(database) == [("2023-11-14", 14, 13, 0)]


@pytest.mark.parametrize(("contract", "lost", "resets"), [(140, 99, 0), (10, 0, 1)])
@pytest.mark.parametrize("followers", [0, 3])
def test_the_contract_distinguishes_a_gap_from_a_restart_also_for_readers(
    database: AnyDatabase, contract: int, lost: int, resets: int, followers: int
) -> None:
    database.open(contract=contract)
    numbers = (0, *range(100, 101 + followers))
    database.write(*[arrival(time=NOW + number, seq=number) for number in numbers])
    assert days(database) == [("2023-11-14", len(numbers), lost, resets)]


def test_after_a_change_of_the_contract_no_count_falls_below_none(database: AnyDatabase) -> None:
    database.open(contract=140)
    database.write(arrival(time=NOW, seq=0), arrival(time=NOW + 100, seq=100))
    database.open()
    database.open(contract=10)
    database.write(arrival(time=NOW + 50, seq=50))
    ((_, received, lost, resets),) = days(database)
    assert (received, lost, resets) == (3, 99, 1), "what was lost by the contract before stays, the restarts are new"


def test_a_group_that_fails_leaves_the_count_as_it_was(database: AnyDatabase) -> None:
    database.write(arrival(time=NOW, seq=1))
    good, bad = arrival(time=NOW + 1, seq=3), arrival(time=NOW + 2, seq=5, fields="{}")
    results = database.write(good, bad, arrival(time=NOW + 3, seq=7))
    assert [hasattr(result, "verdict") for result in results] == [True, False, True]
    assert days(database) == [("2023-11-14", 3, 1 + 3, 0)]


def test_a_late_frame_takes_back_no_gap_that_ended_at_a_status_which_fell_out(database: AnyDatabase) -> None:
    database.open(capacity=2)
    database.write(Frame(VEHICLE, NOW, 0, NOW))
    for number in (10, 11, 12, 20):
        database.write(arrival(time=NOW + 1000 * number, seq=number))
    database.write(Frame(VEHICLE, NOW + 11_500, 5, NOW))
    # 9 between 0 and 10, 7 between 12 and 20; the gap from 0 to 12 was none.
    assert days(database) == [("2023-11-14", 6, 16, 0)]
