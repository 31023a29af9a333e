"""Downlinks in the store: what a message that asks is given, and what an ACKNOWLEDGE makes of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, ROOMY, new_store, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.errors import BadRequest
from evd.model.operations import (
    AddKey,
    CancelDownlink,
    CloseDownlink,
    LimitReached,
    OfferDownlink,
    QueueDownlink,
    Several,
)
from evd.model.units import DAY_MS, HOUR_MS
from evd.payload.codec import Decoder
from evd.payload.grammar import parse
from evd.sigfox.downlinks import INFO_CODES, payload_of_fields, payload_of_hex
from evd.store.sqlite.database import SqliteDatabase

Opener = Callable[..., SqliteDatabase]

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


def states(database: Path) -> list[str]:
    return [state for (state,) in rows(database, "SELECT state FROM downlinks ORDER BY number")]


# What a message that asks is given


def test_messages_that_ask_get_what_waits_in_the_order_it_was_queued(open_store: Opener) -> None:
    store = open_store()
    assert store.write([queue(1), queue(2), queue(3, vehicle="OTHER")]) == [1, 2, 3]
    given = store.write([asks("a"), asks("b", time=NOW + 1), asks("c", time=NOW + 2), asks("d", vehicle="OTHER")])
    assert given == [payload(1), payload(2), None, payload(3)]


def test_a_message_that_asks_when_nothing_waits_gets_nothing(open_store: Opener) -> None:
    assert open_store().write([asks("a")]) == [None]


@pytest.mark.parametrize("meanwhile", [(), (ack(0),), (ack(4),), (asks("b"),), (CancelDownlink(1, NOW),), (queue(9),)])
def test_a_redelivered_message_gets_the_same_bytes_whatever_became_of_them(
    open_store: Opener, meanwhile: tuple[Any, ...]
) -> None:
    store = open_store()
    store.write([queue(1), queue(2), asks("a")])
    store.write(list(meanwhile))
    assert store.write([asks("a", at=NOW + 4 * 60 * SECOND_MS), asks("a", at=NOW + 2 * WEEK_MS)]) == [payload(1)] * 2


def test_a_message_that_got_nothing_gets_at_its_redelivery_what_was_queued_meanwhile(open_store: Opener) -> None:
    store = open_store()
    assert store.write([asks("a"), queue(1), asks("a"), asks("b")]) == [None, 1, payload(1), None]


@pytest.mark.parametrize(("after", "given"), [(0, payload(1)), (1, None)])
def test_what_has_expired_is_never_offered(open_store: Opener, database: Path, after: int, given: bytes | None) -> None:
    store = open_store()
    store.write([queue(1, lasts=HOUR_MS)])
    assert store.write([asks("a", at=NOW + HOUR_MS + after)]) == [given]


def test_what_was_queued_later_and_lasts_is_offered_in_place_of_the_expired(open_store: Opener) -> None:
    store = open_store()
    store.write([queue(1, lasts=HOUR_MS), queue(2, lasts=DAY_MS)])
    assert store.write([asks("a", at=NOW + 2 * HOUR_MS)]) == [payload(2)]


def test_the_queue_outlives_the_process(open_store: Opener) -> None:
    first = open_store()
    first.write([queue(1), queue(2), asks("a")])
    first.close()
    assert open_store().write([asks("a"), asks("b")]) == [payload(1), payload(2)]


def test_questions_of_one_request_are_answered_one_by_one(open_store: Opener) -> None:
    """A batch whose messages ask."""
    store = open_store()
    store.write([queue(1), queue(2, vehicle="OTHER")])
    assert store.write([Several((asks("a"), asks("b"), asks("c", vehicle="OTHER")))]) == [
        [payload(1), None, payload(2)]
    ]


# Bounds


def test_a_vehicle_has_so_many_waiting_and_no_more(open_store: Opener) -> None:
    store = open_store(limits=ROOMY._replace(downlinks_per_vehicle=2))
    store.write([queue(1), queue(2), queue(3, vehicle="OTHER")])
    (refusal,) = store.write([queue(4)])
    assert isinstance(refusal, LimitReached)
    assert str(refusal) == ("2 downlinks wait for vehicle 386625: cancel one, or raise sigfox.downlinks_per_vehicle")
    assert store.write([asks("a"), queue(5)]) == [payload(1), 4]


def test_expired_ones_do_not_count_against_a_vehicle(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(downlinks_per_vehicle=1))
    for day in range(5):
        assert store.write([queue(day, at=NOW + day * DAY_MS, lasts=HOUR_MS)]) == [day + 1]
    assert states(database) == ["expired"] * 4 + ["queued"]


@pytest.mark.parametrize(
    "closing",
    [
        (CancelDownlink(2, NOW),),
        (asks("a"), asks("b"), ack(0, time=NOW)),
        (asks("a"), asks("b"), ack(7, time=NOW)),
    ],
    ids=["cancelled", "acknowledged", "failed"],
)
def test_in_a_full_table_the_oldest_closed_one_makes_room(
    open_store: Opener, database: Path, closing: tuple[Any, ...]
) -> None:
    store = open_store(limits=ROOMY._replace(downlinks=3))
    store.write([queue(1), queue(2), queue(3, vehicle="OTHER"), *closing])
    closed = [n for (n,) in rows(database, "SELECT number FROM downlinks WHERE closed IS NOT NULL")]
    assert store.write([queue(4)]) == [4]
    assert [n for (n,) in rows(database, "SELECT number FROM downlinks ORDER BY number")] == [
        number for number in (1, 2, 3, 4) if number not in closed
    ]


def test_in_a_full_table_an_expired_one_makes_room(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(downlinks=2))
    store.write([queue(1, vehicle="SILENT", lasts=HOUR_MS), queue(2)])
    assert store.write([queue(3, at=NOW + DAY_MS)]) == [3]
    assert rows(database, "SELECT number FROM downlinks ORDER BY number") == [(2,), (3,)]


def test_a_table_full_of_open_ones_takes_no_more_and_says_which_setting_it_is(open_store: Opener) -> None:
    store = open_store(limits=ROOMY._replace(downlinks=2))
    store.write([queue(1), queue(2), asks("a")])
    (refusal,) = store.write([queue(3)])
    assert isinstance(refusal, LimitReached)
    assert str(refusal) == "2 downlinks are open: cancel some, or raise sigfox.downlinks_max"


def test_a_lowered_bound_is_taken_up_by_the_next_one(open_store: Opener, database: Path) -> None:
    first = open_store()
    first.write([op for n in range(6) for op in (queue(n), CancelDownlink(n + 1, NOW))])
    first.close()
    assert open_store(limits=ROOMY._replace(downlinks=2)).write([queue(9)]) == [7]
    assert rows(database, "SELECT number FROM downlinks ORDER BY number") == [(6,), (7,)]


def test_a_refusal_under_a_lowered_limit_forgets_nothing_and_gives_no_number_twice(
    open_store: Opener, database: Path
) -> None:
    store = open_store(limits=ROOMY._replace(downlinks=3))
    store.write([queue(1), queue(2), queue(3), CancelDownlink(3, NOW)])
    store.close()
    store = open_store(limits=ROOMY._replace(downlinks=2))
    [refusal] = store.write([queue(4)])
    assert isinstance(refusal, LimitReached)
    assert rows(database, "SELECT number FROM downlinks ORDER BY number") == [(1,), (2,), (3,)]
    assert store.write([CancelDownlink(1, NOW), queue(5)])[1] == 4


def test_the_count_is_right_again_after_what_was_undone(open_store: Opener) -> None:
    store = open_store(limits=ROOMY._replace(downlinks=2))
    spoiled = AddKey("a", "device", "\ud800", "", None, NOW)  # type: ignore[arg-type]
    numbers = store.write([queue(1), spoiled])
    assert numbers[0] == 1
    refused = store.write([queue(2), queue(3)])
    assert refused[0] == 2
    assert isinstance(refused[1], LimitReached)


def test_a_number_is_never_given_twice(open_store: Opener) -> None:
    store = open_store(limits=ROOMY._replace(downlinks=1))
    assert store.write([queue(1), CancelDownlink(1, NOW), queue(2), CancelDownlink(1, NOW)]) == [1, True, 2, False]


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
    open_store: Opener, before: tuple[Any, ...], at: int, cancelled: bool
) -> None:
    store = open_store()
    store.write([queue(1), *before])
    assert store.write([CancelDownlink(1, at), CancelDownlink(77, at)]) == [cancelled, False]


def test_what_is_cancelled_is_not_offered(open_store: Opener) -> None:
    assert open_store().write([queue(1), queue(2), CancelDownlink(1, NOW), asks("a")])[-1] == payload(2)


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
def test_an_info_code_closes_the_downlink_or_leaves_it(
    open_store: Opener, database: Path, code: int, name: str, state: str
) -> None:
    store = open_store()
    store.write([queue(1), asks("a")])
    assert store.write([ack(code, at=NOW + HOUR_MS)]) == [1]
    closed = None if state == "offered" else NOW + HOUR_MS
    assert rows(database, "SELECT state, info_code, info, closed FROM downlinks") == [(state, code, name, closed)]
    assert INFO_CODES[code].name == name


def test_a_code_that_nobody_documents_is_no_success(open_store: Opener, database: Path) -> None:
    store = open_store()
    assert store.write([queue(1), asks("a"), ack(12)]) == [1, payload(1), 1]
    assert states(database) == ["failed"]


def test_what_is_pending_can_be_acknowledged_later_and_not_made_pending_again(
    open_store: Opener, database: Path
) -> None:
    store = open_store()
    assert store.write([queue(1), asks("a"), ack(5), ack(0), ack(5)])[2:] == [1, 1, 1]
    assert rows(database, "SELECT state, info_code FROM downlinks") == [("acknowledged", 0)]


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
    open_store: Opener, database: Path, before: tuple[Any, ...], time: int
) -> None:
    store = open_store()
    store.write(list(before))
    assert store.write([ack(0, time=time)]) == [None]
    assert "acknowledged" not in states(database)


def test_an_expired_one_that_was_offered_in_time_can_be_acknowledged(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([queue(1, lasts=HOUR_MS), asks("a")])
    assert store.write([ack(0, at=NOW + DAY_MS)]) == [1]
    assert states(database) == ["acknowledged"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("off", [0, 40 * SECOND_MS])
def test_acknowledges_in_any_order_and_repeated_close_each_its_own(
    open_store: Opener, database: Path, order: tuple[int, ...], off: int
) -> None:
    """Three questions, an hour apart; each ACKNOWLEDGE names a time near its question's and comes twice."""
    codes = (0, 3, 4)
    store = open_store()
    store.write([queue(n) for n in range(3)])
    store.write([asks(f"s{n}", time=NOW + n * HOUR_MS) for n in range(3)])
    fates = [ack(codes[n], time=NOW + n * HOUR_MS + off) for n in order for _ in range(2)]
    assert store.write(fates) == [n + 1 for n in order for _ in range(2)]
    assert rows(database, "SELECT info_code FROM downlinks ORDER BY number") == [(code,) for code in codes]


def test_a_repeated_acknowledge_does_not_close_what_was_offered_since(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([queue(1), asks("a"), ack(0), queue(2), asks("b", time=NOW + 60 * SECOND_MS)])
    before = rows(database, "SELECT * FROM downlinks")
    assert store.write([ack(0, at=NOW + DAY_MS), ack(4, at=NOW + DAY_MS)]) == [1, 1]
    assert rows(database, "SELECT * FROM downlinks") == before
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


@settings(max_examples=40)
@given(deliveries())
def test_each_question_gets_its_bytes_and_its_fate_however_deliveries_are_mixed(operations: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as directory, closing(new_store(Path(directory) / "evd.db")) as store:
        store.write([queue(n) for n in range(4)])
        for operation, result in zip(operations, store.write(operations), strict=True):
            if isinstance(operation, OfferDownlink):
                assert result == payload(int(operation.asked_by[1:]))
            else:
                assert result == operation.info_code
        fates = rows(Path(directory) / "evd.db", "SELECT number, info_code FROM downlinks WHERE closed IS NOT NULL")
    assert fates == sorted({(op.info_code, op.info_code) for op in operations if isinstance(op, CloseDownlink)})


# The view


def test_the_view_shows_states_and_times_that_people_can_read(open_store: Opener, database: Path) -> None:
    store = open_store()
    far = 4_000_000_000_000  # 2096
    store.write([queue(1), queue(0x0A0B, lasts=far), asks("a"), ack(0), queue(3, vehicle="OTHER")])
    listed = rows(database, "SELECT number, vehicle, payload, state, created, offered, info FROM downlink_queue")
    assert listed == [
        (1, VEHICLE, "0000000000000001", "acknowledged", "2023-11-14 22:13:20", "2023-11-14 22:13:23", "ACKED"),
        (2, VEHICLE, "0000000000000a0b", "queued", "2023-11-14 22:13:20", None, None),
        (3, "OTHER", "0000000000000003", "expired", "2023-11-14 22:13:20", None, None),
    ]


def test_what_is_asked_of_one_vehicle_is_found_by_an_index(open_store: Opener, database: Path) -> None:
    from evd.store.sqlite.tables import downlinks

    open_store()
    for sql, values in (
        (downlinks._FIRST_QUEUED, (VEHICLE, NOW)),
        (downlinks._NEAREST, (VEHICLE, NOW, NOW, NOW)),
        ("SELECT * FROM downlink_queue WHERE vehicle = ?", (VEHICLE,)),
        ("SELECT * FROM log WHERE vehicle = ?", (VEHICLE,)),
    ):
        plan = [step for *_, step in rows(database, f"EXPLAIN QUERY PLAN {sql}", *values)]
        assert plan[0].startswith("SEARCH"), plan
        assert "(vehicle=?" in plan[0], plan


# Payloads


@pytest.mark.parametrize("text", ["0102030405060708", "01 02 03 04 05 06 07 08"])
def test_hex_of_eight_bytes_is_a_payload(text: str) -> None:
    assert payload_of_hex(text) == bytes(range(1, 9))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the payload has 0 bytes, a downlink has exactly 8: write 16 hex digits"),
        ("01", "the payload has 1 byte, a downlink has exactly 8: write 16 hex digits"),
        ("010203040506070809", "the payload has 9 bytes, a downlink has exactly 8: write 16 hex digits"),
        ("0x02030405060708", "the payload '0x02030405060708' is no hex text: write 16 hex digits"),
        ("123", "the payload '123' is no hex text: write 16 hex digits"),
    ],
)
def test_other_hex_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(BadRequest) as caught:
        payload_of_hex(text)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("grammar", "fields", "expected"),
    [
        ("limit::uint:16", {"limit": 300}, "012c000000000000"),
        ("on::bool:7 limit:1:uint:8", {"on": True, "limit": 16}, "8010000000000000"),
        ("a::uint:32 b::uint:32", {"b": 1}, "0000000000000001"),
        ("indoor_temperature::uint:8", {"indoor_temp": 21}, "1500000000000000"),
        ("indoor_temp::uint:8", {"indoor_temp": 21}, "1500000000000000"),
        ("word::char:8", {"word": "go"}, "676f000000000000"),
    ],
)
def test_fields_are_written_in_the_grammar_of_messages_and_filled_up_with_zero_bytes(
    grammar: str, fields: dict[str, Any], expected: str
) -> None:
    assert payload_of_fields(parse(grammar), fields).hex() == expected


@pytest.mark.parametrize(
    ("grammar", "fields", "part"),
    [
        ("a::uint:8", {}, "no field has a value"),
        ("a::uint:64 b::uint:8", {"a": 1}, "the format needs 9 bytes, a downlink has 8"),
        ("a::uint:8", {"a": 256}, 'field "a": 256 does not fit; allowed: 0 to 255'),
        ("limit::uint:8", {"limits": 1}, '"limits" is no field of the format; the nearest is "limit"'),
    ],
)
def test_fields_that_do_not_fit_are_refused_with_a_sentence(grammar: str, fields: dict[str, Any], part: str) -> None:
    with pytest.raises(BadRequest) as caught:
        payload_of_fields(parse(grammar), fields)
    assert part in str(caught.value)


@given(st.integers(0, 2**20 - 1), st.integers(-(2**11), 2**11 - 1), st.booleans())
def test_a_payload_of_fields_decodes_to_them(number: int, signed: int, flag: bool) -> None:
    plan = parse("n:0:uint:20 s:2:int:12:big-endian:3 f:7:bool:0")
    wanted = {"n": number, "s": signed, "f": flag}
    assert Decoder(plan).decode(payload_of_fields(plan, wanted)) == wanted
