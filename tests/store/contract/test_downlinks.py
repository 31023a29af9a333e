"""Downlinks: what a message that asks is given, what an ACKNOWLEDGE makes of it, and how they are listed."""

from __future__ import annotations

from itertools import count, permutations
from typing import Any

import msgspec
import pytest
from any_engine import AnyDatabase
from builders import NOW
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.model.operations import (
    AddKey,
    CancelDownlink,
    CloseDownlink,
    LimitReached,
    OfferDownlink,
    QueueDownlink,
    SetVehicle,
    Several,
)
from evd.model.units import DAY_MS, HOUR_MS
from evd.sigfox.downlinks import INFO_CODES
from evd.store.records import DownlinkRow

VEHICLE = "386625"
WEEK_MS = 7 * DAY_MS
SECOND_MS = 1000


def queue(content: int = 1, *, vehicle: str = VEHICLE, at: int = NOW, lasts: int = WEEK_MS) -> QueueDownlink:
    return QueueDownlink(vehicle, content.to_bytes(8, "big"), at, at + lasts)


def asks(status: str, *, vehicle: str = VEHICLE, time: int = NOW, at: int | None = None) -> OfferDownlink:
    return OfferDownlink(vehicle, status, time, time + 3 * SECOND_MS if at is None else at)


def ack(code: int = 0, *, vehicle: str = VEHICLE, time: int = NOW, at: int = NOW + HOUR_MS) -> CloseDownlink:
    return CloseDownlink(vehicle, time, code, INFO_CODES[code].name if code in INFO_CODES else "?", at)


def payload(content: int) -> bytes:
    return content.to_bytes(8, "big")


def listed(database: AnyDatabase, now: int = NOW) -> list[DownlinkRow]:
    """All, the oldest first."""
    return database.ask(lambda queries: queries.downlinks(now, limit=100)).rows[::-1]


def states(database: AnyDatabase, now: int = NOW) -> list[str]:
    return [row["state"] for row in listed(database, now)]


def numbers(database: AnyDatabase) -> list[int]:
    return [row["number"] for row in listed(database)]


# What a message that asks is given


def test_messages_that_ask_get_what_waits_in_the_order_it_was_queued(database: AnyDatabase) -> None:
    assert database.write(queue(1), queue(2), queue(3, vehicle="OTHER")) == [1, 2, 3]
    given = database.write(asks("a"), asks("b", time=NOW + 1), asks("c", time=NOW + 2), asks("d", vehicle="OTHER"))
    assert given == [payload(1), payload(2), None, payload(3)]


def test_a_message_that_asks_when_nothing_waits_gets_nothing(database: AnyDatabase) -> None:
    assert database.write(asks("a")) == [None]


@pytest.mark.parametrize("meanwhile", [(), (ack(0),), (ack(4),), (asks("b"),), (CancelDownlink(1, NOW),), (queue(9),)])
def test_a_redelivered_message_gets_the_same_bytes_whatever_became_of_them(
    database: AnyDatabase, meanwhile: tuple[Any, ...]
) -> None:
    database.write(queue(1), queue(2), asks("a"))
    database.write(*list(meanwhile))
    assert database.write(asks("a", at=NOW + 4 * 60 * SECOND_MS), asks("a", at=NOW + 2 * WEEK_MS)) == [payload(1)] * 2


def test_a_message_that_got_nothing_gets_at_its_redelivery_what_was_queued_meanwhile(database: AnyDatabase) -> None:
    assert database.write(asks("a"), queue(1), asks("a"), asks("b")) == [None, 1, payload(1), None]


@pytest.mark.parametrize(("after", "given"), [(0, payload(1)), (1, None)])
def test_what_has_expired_is_never_offered(database: AnyDatabase, after: int, given: bytes | None) -> None:
    database.write(queue(1, lasts=HOUR_MS))
    assert database.write(asks("a", at=NOW + HOUR_MS + after)) == [given]


def test_what_was_queued_later_and_lasts_is_offered_in_place_of_the_expired(database: AnyDatabase) -> None:
    database.write(queue(1, lasts=HOUR_MS), queue(2, lasts=DAY_MS))
    assert database.write(asks("a", at=NOW + 2 * HOUR_MS)) == [payload(2)]


def test_the_queue_outlives_the_process(database: AnyDatabase) -> None:
    database.write(queue(1), queue(2), asks("a"))
    database.open()
    assert database.write(asks("a"), asks("b")) == [payload(1), payload(2)]


def test_questions_of_one_request_are_answered_one_by_one(database: AnyDatabase) -> None:
    """A batch whose messages ask."""
    database.write(queue(1), queue(2, vehicle="OTHER"))
    assert database.write(Several((asks("a"), asks("b"), asks("c", vehicle="OTHER")))) == [
        [payload(1), None, payload(2)]
    ]


# Bounds


def test_a_vehicle_has_so_many_waiting_and_no_more(database: AnyDatabase) -> None:
    database.limit(downlinks_per_vehicle=2)
    database.write(queue(1), queue(2), queue(3, vehicle="OTHER"))
    (refusal,) = database.write(queue(4))
    assert isinstance(refusal, LimitReached)
    assert str(refusal) == ("2 downlinks wait for vehicle 386625: cancel one, or raise sigfox.downlinks_per_vehicle")
    assert database.write(asks("a"), queue(5)) == [payload(1), 4]


def test_expired_ones_do_not_count_against_a_vehicle(database: AnyDatabase) -> None:
    database.limit(downlinks_per_vehicle=1)
    for day in range(5):
        assert database.write(queue(day, at=NOW + day * DAY_MS, lasts=HOUR_MS)) == [day + 1]
    assert states(database, NOW + 4 * DAY_MS) == ["expired"] * 4 + ["queued"]


@pytest.mark.parametrize(
    "closing",
    [
        (CancelDownlink(2, NOW),),
        (asks("a"), asks("b"), ack(0, time=NOW)),
        (asks("a"), asks("b"), ack(7, time=NOW)),
    ],
    ids=["cancelled", "acknowledged", "failed"],
)
def test_in_a_full_table_the_oldest_closed_one_makes_room(database: AnyDatabase, closing: tuple[Any, ...]) -> None:
    database.limit(downlinks=3)
    database.write(queue(1), queue(2), queue(3, vehicle="OTHER"), *closing)
    closed = [row["number"] for row in listed(database) if row["closed"] is not None]
    assert database.write(queue(4)) == [4]
    assert numbers(database) == [number for number in (1, 2, 3, 4) if number not in closed]


def test_in_a_full_table_an_expired_one_makes_room(database: AnyDatabase) -> None:
    database.limit(downlinks=2)
    database.write(queue(1, vehicle="SILENT", lasts=HOUR_MS), queue(2))
    assert database.write(queue(3, at=NOW + DAY_MS)) == [3]
    assert numbers(database) == [2, 3]


def test_a_table_full_of_open_ones_takes_no_more_and_says_which_setting_it_is(database: AnyDatabase) -> None:
    database.limit(downlinks=2)
    database.write(queue(1), queue(2), asks("a"))
    (refusal,) = database.write(queue(3))
    assert isinstance(refusal, LimitReached)
    assert str(refusal) == "2 downlinks are open: cancel some, or raise sigfox.downlinks_max"


def test_a_lowered_bound_is_taken_up_by_the_next_one(database: AnyDatabase) -> None:
    database.write(*[op for n in range(6) for op in (queue(n), CancelDownlink(n + 1, NOW))])
    database.open()
    assert database.limit(downlinks=2).write([queue(9)]) == [7]
    assert numbers(database) == [6, 7]


def test_a_refusal_under_a_lowered_limit_forgets_nothing_and_gives_no_number_twice(database: AnyDatabase) -> None:
    database.limit(downlinks=3)
    database.write(queue(1), queue(2), queue(3), CancelDownlink(3, NOW))
    database.open()
    database.limit(downlinks=2)
    [refusal] = database.write(queue(4))
    assert isinstance(refusal, LimitReached)
    assert numbers(database) == [1, 2, 3]
    assert database.write(CancelDownlink(1, NOW), queue(5))[1] == 4


def test_the_count_is_right_again_after_what_was_undone(database: AnyDatabase) -> None:
    database.limit(downlinks=2)
    spoiled = AddKey("a", "device", "\ud800", "", None, NOW)  # type: ignore[arg-type]
    numbers = database.write(queue(1), spoiled)
    assert numbers[0] == 1
    refused = database.write(queue(2), queue(3))
    assert refused[0] == 2
    assert isinstance(refused[1], LimitReached)


def test_a_number_is_never_given_twice(database: AnyDatabase) -> None:
    database.limit(downlinks=1)
    assert database.write(queue(1), CancelDownlink(1, NOW), queue(2), CancelDownlink(1, NOW)) == [1, True, 2, False]


# Cancelling


@pytest.mark.parametrize(
    ("before", "at", "cancelled"),
    [
        ((), NOW, True),
        ((CancelDownlink(1, NOW),), NOW, False),
        ((asks("a"),), NOW, False),
        ((asks("a"), ack(0)), NOW, False),
        ((), NOW + WEEK_MS, True),
        ((), NOW + WEEK_MS + 1, False),
    ],
    ids=["queued", "cancelled", "offered", "acknowledged", "still-lasts", "expired"],
)
def test_only_what_is_queued_can_be_cancelled(
    database: AnyDatabase, before: tuple[Any, ...], at: int, cancelled: bool
) -> None:
    database.write(queue(1), *before)
    assert database.write(CancelDownlink(1, at), CancelDownlink(77, at)) == [cancelled, False]


def test_what_is_cancelled_is_not_offered(database: AnyDatabase) -> None:
    assert database.write(queue(1), queue(2), CancelDownlink(1, NOW), asks("a"))[-1] == payload(2)


# ACKNOWLEDGE


@pytest.mark.parametrize(
    ("code", "name", "state"),
    [
        (0, "ACKED", "acknowledged"),
        (1, "NO_ANSWER", "failed"),
        (2, "INVALID_PAYLOAD", "failed"),
        (3, "OVERRUN_ERROR", "failed"),
        (4, "NETWORK_ERROR", "failed"),
        (5, "PENDING", "offered"),
        (6, "NO_DOWNLINK_CONTRACT", "failed"),
        (7, "TOO_MANY_REQUESTS", "failed"),
        (8, "INVALID_CONFIGURATION", "failed"),
    ],
)
def test_an_info_code_closes_the_downlink_or_leaves_it(database: AnyDatabase, code: int, name: str, state: str) -> None:
    database.write(queue(1), asks("a"))
    assert database.write(ack(code, at=NOW + HOUR_MS)) == [1]
    closed = None if state == "offered" else NOW + HOUR_MS
    (row,) = listed(database)
    assert (row["state"], row["info_code"], row["info"], row["closed"]) == (state, code, name, closed)
    assert INFO_CODES[code].name == name


def test_a_code_that_nobody_documents_is_no_success(database: AnyDatabase) -> None:
    assert database.write(queue(1), asks("a"), ack(12)) == [1, payload(1), 1]
    assert states(database) == ["failed"]


def test_what_is_pending_can_be_acknowledged_later_and_not_made_pending_again(database: AnyDatabase) -> None:
    assert database.write(queue(1), asks("a"), ack(5), ack(0), ack(5))[2:] == [1, 1, 1]
    (row,) = listed(database)
    assert (row["state"], row["info_code"]) == ("acknowledged", 0)


@pytest.mark.parametrize(
    ("before", "time"),
    [
        ((), NOW),
        ((queue(1),), NOW),
        ((queue(1), asks("a")), NOW + DAY_MS + 1),
        ((queue(1), asks("a")), NOW - DAY_MS - 1),
        ((queue(1, vehicle="OTHER"), asks("a", vehicle="OTHER")), NOW),
    ],
    ids=["none", "none-offered", "a-day-later", "a-day-sooner", "another-vehicle's"],
)
def test_an_acknowledge_of_what_was_not_offered_then_closes_nothing(
    database: AnyDatabase, before: tuple[Any, ...], time: int
) -> None:
    database.write(*list(before))
    assert database.write(ack(0, time=time)) == [None]
    assert "acknowledged" not in states(database)


def test_an_expired_one_that_was_offered_in_time_can_be_acknowledged(database: AnyDatabase) -> None:
    database.write(queue(1, lasts=HOUR_MS), asks("a"))
    assert database.write(ack(0, at=NOW + DAY_MS)) == [1]
    assert states(database) == ["acknowledged"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("off", [0, 40 * SECOND_MS])
def test_acknowledges_in_any_order_and_repeated_close_each_its_own(
    database: AnyDatabase, order: tuple[int, ...], off: int
) -> None:
    """Three questions, an hour apart; each ACKNOWLEDGE names a time near its question's and comes twice."""
    codes = (0, 3, 4)
    database.write(*[queue(n) for n in range(3)])
    database.write(*[asks(f"s{n}", time=NOW + n * HOUR_MS) for n in range(3)])
    fates = [ack(codes[n], time=NOW + n * HOUR_MS + off) for n in order for _ in range(2)]
    assert database.write(*fates) == [n + 1 for n in order for _ in range(2)]
    assert [row["info_code"] for row in listed(database)] == [*codes]


def test_a_repeated_acknowledge_does_not_close_what_was_offered_since(database: AnyDatabase) -> None:
    database.write(queue(1), asks("a"), ack(0), queue(2), asks("b", time=NOW + 60 * SECOND_MS))
    before = listed(database)
    assert database.write(ack(0, at=NOW + DAY_MS), ack(4, at=NOW + DAY_MS)) == [1, 1]
    assert listed(database) == before
    assert states(database) == ["acknowledged", "offered"]


@st.composite
def deliveries(draw: st.DrawFn) -> list[Any]:
    """Four questions, ten minutes apart, and their ACKNOWLEDGEs up to four minutes off, each a few times, mixed; the
    first ACKNOWLEDGE of a question comes some time after the question, and the questions keep their order."""
    turns = draw(st.permutations([n for n in range(4) for _ in range(draw(st.integers(1, 4)))]))
    off = [draw(st.integers(-240, 240)) * SECOND_MS for _ in range(4)]
    operations: list[Any] = []
    asked = 0
    for turn in turns:
        while asked <= turn:
            operations.append(asks(f"s{asked}", time=NOW + asked * 600 * SECOND_MS))
            asked += 1
        operations.append(draw(st.sampled_from([turn, *range(turn)]).map(lambda n: asks(f"s{n}"))))
        operations.append(ack(turn + 1, time=NOW + turn * 600 * SECOND_MS + off[turn]))
    return operations


def test_each_question_gets_its_bytes_and_its_fate_however_deliveries_are_mixed(database: AnyDatabase) -> None:
    """In one database, by a vehicle of its own for each example."""
    vehicles = count(1)

    @settings(max_examples=40)
    @given(deliveries())
    def ask(operations: list[Any]) -> None:
        vehicle = f"{next(vehicles):X}"
        first = database.write(*(queue(n, vehicle=vehicle) for n in range(4)))[0]
        operations = [msgspec.structs.replace(one, vehicle=vehicle) for one in operations]
        for operation, result in zip(operations, database.write(*operations), strict=True):
            if isinstance(operation, OfferDownlink):
                assert result == payload(int(operation.asked_by[1:]))
            else:
                assert result == operation.info_code - 1 + first
        rows = database.ask(lambda queries: queries.downlinks(NOW, vehicle=vehicle, limit=9)).rows
        fates = {(row["number"] - first + 1, row["info_code"]) for row in rows if row["closed"] is not None}
        assert fates == {(op.info_code, op.info_code) for op in operations if isinstance(op, CloseDownlink)}

    ask()


# How they are listed


@pytest.mark.parametrize(
    ("operations", "now", "state"),
    [
        ((), NOW + HOUR_MS, "queued"),
        ((), NOW + HOUR_MS + 1, "expired"),
        ((asks("a"),), NOW, "offered"),
        ((asks("a"),), NOW + HOUR_MS + 1, "expired"),
        ((CancelDownlink(1, NOW),), NOW + DAY_MS, "cancelled"),
        ((asks("a"), ack(0)), NOW + DAY_MS, "acknowledged"),
        ((asks("a"), ack(4)), NOW + DAY_MS, "failed"),
    ],
)
def test_a_downlink_has_a_state_at_a_time_and_is_found_by_it(
    database: AnyDatabase, operations: tuple[Any, ...], now: int, state: str
) -> None:
    database.write(queue(1, lasts=HOUR_MS), queue(2, vehicle="OTHER"), *operations)
    for asked in ({"number": 1}, {"state": state, "vehicle": VEHICLE}):
        (row,) = database.ask(lambda queries, asked=asked: queries.downlinks(now, limit=9, **asked)).rows
        assert (row["number"], row["state"], row["payload"]) == (1, state, "0000000000000001")
    assert database.ask(lambda queries: queries.downlinks(now, vehicle=VEHICLE, state="none", limit=9)).rows == []


def test_a_downlink_says_who_asked_and_when_all_happened(database: AnyDatabase) -> None:
    database.write(queue(1), asks("a", time=NOW + 1, at=NOW + 2), ack(0, time=NOW + 3, at=NOW + 4))
    (row,) = listed(database)
    times = (row["created"], row["expires"], row["asked_time"], row["offered"], row["closed"])
    assert times == (NOW, NOW + WEEK_MS, NOW + 1, NOW + 2, NOW + 4)
    assert (row["vehicle"], row["asked_by"]) == (VEHICLE, "a")


def test_a_vehicle_that_must_be_known_and_is_not_is_given_nothing(database: AnyDatabase) -> None:
    """Its message was refused, so no answer can carry the bytes."""
    database.open(create_unknown=False)
    assert database.write(queue(1), asks("a"), SetVehicle(VEHICLE, NOW), asks("a")) == [1, None, None, payload(1)]
