"""What is answered, kept and counted of a request, from what came of its operations."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import orjson
import pytest
from builders import NOW, arrival

from evd.errors import BadRequest, Unavailable
from evd.ingest.transaction import (
    REFUSED,
    BadLine,
    BatchTransaction,
    Callback,
    CallbackTransaction,
    Conclusion,
    GoodLine,
    data_callback,
    outcome,
    refusal_of,
)
from evd.model.operations import NO_ROOM, STORED, LimitReached, OfferDownlink, Several, UnknownVehicle
from evd.model.retention import Verdict
from evd.request.http import Request

REQUEST = Request("POST", "/sigfox/uplink", b"", {}, b'{"device":"A"}', "192.0.2.1")
A, B = arrival("A"), arrival("B")
NEWEST = STORED[Verdict.NEWEST]
UNKNOWN, FULL = UnknownVehicle("vehicle A is unknown"), LimitReached("too many: raise ingest.vehicles_max")


def concluded(steps: Generator[None, None, Conclusion]) -> Conclusion:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            conclusion: Conclusion = end.value
            return conclusion


def single(*, kind: str = "uplink", asks: bool = False) -> CallbackTransaction:
    return CallbackTransaction(REQUEST, data_callback(kind, A, asks=asks), lambda: REFUSED)


@pytest.mark.parametrize(
    ("result", "status", "kept", "outcomes"),
    [
        *((STORED[verdict], 201, 0, [verdict.value]) for verdict in Verdict if verdict is not Verdict.NO_ROOM),
        (NO_ROOM, 201, 1, [Verdict.NO_ROOM.value]),
        (UNKNOWN, 400, 1, []),
        (FULL, 400, 1, []),
    ],
)
def test_a_callback_is_answered_by_what_became_of_it(result: Any, status: int, kept: int, outcomes: list[str]) -> None:
    conclusion = concluded(single().concluding(result))
    assert (conclusion.reply.status, len(conclusion.rejects), list(conclusion.outcomes)) == (status, kept, outcomes)
    shown = dict(conclusion.reply.headers).get(b"x-status-id")
    assert shown == (A.status_id.encode() if status == 201 else None)
    assert [(one.body, one.client) for one in conclusion.rejects] == [(REQUEST.body, REQUEST.peer)] * kept


def test_a_failure_of_the_store_is_no_refusal() -> None:
    with pytest.raises(Unavailable):
        concluded(single().concluding(Unavailable("the disk is full")))


@pytest.mark.parametrize(
    ("kind", "asks", "downlink", "status", "body"),
    [
        ("bidir", True, bytes(8), 200, {"A": {"downlinkData": "00" * 8}}),
        ("uplink", True, bytes(8), 200, {"A": {"downlinkData": "00" * 8}}),
        ("bidir", True, None, 204, None),
        ("uplink", True, None, 201, None),
        ("bidir", False, None, 201, None),
    ],
)
def test_who_listens_gets_what_waits_for_it(
    kind: str, asks: bool, downlink: bytes | None, status: int, body: Any
) -> None:
    transaction = single(kind=kind, asks=asks)
    result = [NEWEST, downlink] if asks else NEWEST
    if asks:
        assert transaction.operation == Several((A, OfferDownlink("A", A.status_id, A.time, A.received)))
    reply = concluded(transaction.concluding(result)).reply
    assert (reply.status, orjson.loads(reply.body) if reply.body else None) == (status, body)


def line(number: int, callback: Callback) -> GoodLine:
    return GoodLine(number, f"line {number}", callback)


def batch(*callbacks: Callback, bad: int = 0, keep: bool = True) -> BatchTransaction:
    good = [line(number, callback) for number, callback in enumerate(callbacks, 1)]
    refused = [BadLine(9 + number, "not a line", BadRequest("no line")) for number in range(bad)]
    return BatchTransaction(REQUEST, good, refused, NOW, REFUSED, keep=keep)


ONE, OTHER = data_callback("uplink", A, asks=False), data_callback("uplink", B, asks=False)


@pytest.mark.parametrize(
    ("bad", "results", "status", "stored", "refused_lines"),
    [
        (0, [NEWEST, NEWEST], 201, 2, []),
        (1, [NEWEST, NEWEST], 207, 2, [9]),
        (0, [NEWEST, UNKNOWN], 207, 1, [2]),
        (1, [UNKNOWN, NEWEST], 207, 1, [1, 9]),
        (0, [UNKNOWN, FULL], 400, 0, [1, 2]),
        (0, [NEWEST, NO_ROOM], 201, 2, []),
    ],
)
def test_a_batch_says_which_lines_were_not_taken(
    bad: int, results: list[Any], status: int, stored: int, refused_lines: list[int]
) -> None:
    transaction = batch(ONE, OTHER, bad=bad)
    assert isinstance(transaction.operation, Several)
    assert transaction.operation.operations[:2] == (A, B)
    assert len(transaction.operation.operations) == 2 + bad, "bad lines are kept in the same transaction"
    conclusion = concluded(transaction.concluding([*results, *[True] * bad]))
    body = orjson.loads(conclusion.reply.body) if conclusion.reply.body else {"stored": stored, "rejected": []}
    assert (conclusion.reply.status, body["stored"], len(conclusion.outcomes)) == (status, stored, stored)
    assert [told["line"] for told in body["rejected"]] == refused_lines


def test_lines_that_were_rejected_once_are_not_kept_again() -> None:
    transaction = batch(ONE, bad=1, keep=False)
    assert transaction.operation == Several((A,))
    assert concluded(transaction.concluding([UNKNOWN])).rejects == []


def test_of_a_vehicles_lines_that_listen_the_newest_is_offered_a_downlink() -> None:
    later = arrival("A", time=NOW + 1000, seq=1)
    transaction = batch(data_callback("uplink", later, asks=True), data_callback("uplink", A, asks=True))
    offer = OfferDownlink("A", later.status_id, later.time, later.received)
    assert transaction.operation == Several((later, offer, A))
    reply = concluded(transaction.concluding([NEWEST, bytes(8), STORED[Verdict.LATE]])).reply
    assert (reply.status, orjson.loads(reply.body)) == (200, {"A": {"downlinkData": "00" * 8}})
    reply = concluded(transaction.concluding([NEWEST, None, STORED[Verdict.LATE]])).reply
    assert orjson.loads(reply.body) == {"A": {"noData": True}}


@pytest.mark.parametrize(
    ("results", "error"),
    [([NEWEST, True], None), ([True, UNKNOWN], "Unknown vehicle"), ([FULL], "Too many vehicles")],
)
def test_a_refusal_is_of_any_of_the_operations(results: list[Any], error: str | None) -> None:
    refusal = refusal_of(results)
    assert (None if refusal is None else refusal.error) == error


def test_what_is_no_status_counts_by_its_kind() -> None:
    assert outcome(Callback("event", "A", "A", "id", ()), [True]) == "event"
    assert outcome(ONE, [STORED[Verdict.DUPLICATE]]) == Verdict.DUPLICATE.value
