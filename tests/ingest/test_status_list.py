"""A list of statuses in one request: written in the order of their times, answered in the order of the list."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import orjson
import pytest
from builders import NOW, arrival

from evd.errors import BadRequest, Forbidden, RequestError, Unavailable
from evd.ingest.status_list import ListTransaction
from evd.ingest.transaction import REFUSED, REFUSED_AT_ONCE, BadLine, Conclusion, GoodLine, data_callback
from evd.model.operations import NO_ROOM, STORED, Arrive, LimitReached, Reject, Several
from evd.model.retention import Verdict
from evd.request.http import Request

REQUEST = Request("POST", "/api/v1/statuses", b"", {}, b"[]", "192.0.2.1")
NEWEST = STORED[Verdict.NEWEST]
FULL = LimitReached("too many: raise ingest.vehicles_max")


def good(number: int, *, time: int = NOW, seq: int | None = None) -> GoodLine:
    one = arrival("A", time=time, seq=seq)
    return GoodLine(number, '{"vehicleId":"A"}', data_callback("uplink", one, asks=False))


def bad(number: int, refusal: RequestError | None = None) -> BadLine:
    return BadLine(number, "{}", refusal or BadRequest("it lacks vehicleId"))


def listed(*items: GoodLine | BadLine, keep: bool = True) -> ListTransaction:
    taken = [item for item in items if isinstance(item, GoodLine)]
    refused = [item for item in items if isinstance(item, BadLine)]
    return ListTransaction(REQUEST, taken, refused, NOW, REFUSED, keep=keep)


def operations(transaction: ListTransaction) -> tuple[Any, ...]:
    assert isinstance(transaction.operation, Several)
    return transaction.operation.operations


def concluded(steps: Generator[None, None, Conclusion]) -> tuple[Conclusion, int]:
    """With the number of pauses."""
    pauses = 0
    while True:
        try:
            next(steps)
            pauses += 1
        except StopIteration as end:
            conclusion: Conclusion = end.value
            return conclusion, pauses


def test_statuses_are_written_by_time_and_sequence_number_and_the_bad_ones_are_kept_behind_them() -> None:
    given = [good(1, time=NOW, seq=5), bad(2), good(3, time=NOW, seq=4), good(4, time=NOW - 1, seq=9), good(5)]
    written = operations(listed(*given))
    assert [(one.time - NOW, one.seq) for one in written if isinstance(one, Arrive)] == [
        *((-1, 9), (0, None), (0, 4), (0, 5))
    ]
    (kept,) = [one for one in written if isinstance(one, Reject)]
    assert (kept.route, kept.detail, kept.body, kept.client, kept.received) == (
        *("POST /api/v1/statuses", "it lacks vehicleId", b"{}", "192.0.2.1", NOW),
    )


@pytest.mark.parametrize(
    ("items", "results", "status", "said"),
    [
        ([good(1), good(2)], [NEWEST, NEWEST], 201, [201, 201]),
        ([good(1), bad(2)], [NEWEST], 207, [201, 400]),
        ([bad(1, Forbidden("not yours")), good(2)], [NEWEST], 207, [403, 201]),
        ([good(1), good(2)], [NEWEST, FULL], 207, [201, 400]),
        ([good(1), good(2)], [NEWEST, NO_ROOM], 201, [201, 201]),
        ([good(1), bad(2)], [FULL], 400, [400, 400]),
    ],
)
def test_each_status_has_its_answer_in_the_order_of_the_list(
    items: list[Any], results: list[Any], status: int, said: list[int]
) -> None:
    conclusion, _ = concluded(listed(*items).concluding([*results, True]))
    body = orjson.loads(conclusion.reply.body)
    assert (conclusion.reply.status, body["stored"]) == (status, said.count(201))
    assert [(item["item"], item["status"]) for item in body["items"]] == list(enumerate(said, 1))
    assert all(("id" in item) is (item["status"] == 201) for item in body["items"])
    assert len(conclusion.outcomes) == said.count(201)


def test_the_answers_are_those_of_their_statuses_though_they_were_written_in_another_order() -> None:
    late, early = good(1, time=NOW), good(2, time=NOW - 1000)
    conclusion, _ = concluded(listed(late, early).concluding([FULL, NEWEST]))
    first, second = orjson.loads(conclusion.reply.body)["items"]
    assert (first["id"], second["Error"]) == (late.callback.status_id, "Too many vehicles")


def test_a_list_of_which_nothing_is_taken_says_why_with_the_first_one() -> None:
    conclusion, _ = concluded(listed(good(2), bad(3)).concluding([FULL]))
    body = orjson.loads(conclusion.reply.body)
    assert (body["Error"], body["detail"]) == (
        *("Too many vehicles", "status 2 of the list: too many: raise ingest.vehicles_max"),
    )


def test_what_the_store_refuses_is_kept_and_a_status_ahead_is_kept_and_taken() -> None:
    conclusion, _ = concluded(listed(good(1), good(2)).concluding([FULL, NO_ROOM]))
    assert [one.error for one in conclusion.rejects] == ["Too many vehicles", "Time ahead"]
    assert list(conclusion.outcomes) == [Verdict.NO_ROOM.value]


def test_what_is_in_rejected_already_is_not_kept_again_and_one_still_ahead_stays_refused() -> None:
    transaction = listed(good(1), bad(2), keep=False)
    assert len(operations(transaction)) == 1
    conclusion, _ = concluded(transaction.concluding([NO_ROOM]))
    assert (conclusion.reply.status, conclusion.rejects, conclusion.outcomes) == (400, [], [])


def test_a_failure_of_the_store_is_no_refusal() -> None:
    with pytest.raises(Unavailable):
        concluded(listed(good(1)).concluding([Unavailable("the disk is full")]))


def test_many_refusals_are_masked_with_pauses_between() -> None:
    many = [good(number) for number in range(1, 3 * REFUSED_AT_ONCE + 1)]
    assert concluded(listed(*many).concluding([FULL] * len(many)))[1] == 3
