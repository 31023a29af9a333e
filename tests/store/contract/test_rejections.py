"""Rejected requests: each kept once and counted, the newest ones, whole for whoever asks for one."""

from __future__ import annotations

from typing import Any

from any_engine import AnyDatabase
from builders import NOW

from evd.model.operations import DropForgotten, ForgetRejected, Reject, RestoreRejected
from evd.store import records
from evd.store.records import NUMBER_MAX


def reject(number: int, *, route: str = "POST /wlan", at: int = NOW, client: str = "") -> Reject:
    error = "Body parsing error" if number % 2 else "Time ahead"
    return Reject(at, route, error, f"why {number}", b'{"a":"b"}', bytes([number]), client)


def listed(database: AnyDatabase, text: str = "") -> list[records.RejectionSummary]:
    return database.ask(lambda queries: queries.rejections(limit=9, text=text)).rows


def test_the_same_refusal_is_kept_once_and_counted_as_of_the_last_time(database: AnyDatabase) -> None:
    database.write(reject(1, client="1.1.1.1"), reject(2), reject(1, at=NOW + 5, client="2.2.2.2"))
    newest, oldest = listed(database)
    assert (newest["detail"], newest["times"]) == ("why 2", 1)
    assert (oldest["times"], oldest["received"], oldest["client"]) == (2, NOW + 5, "2.2.2.2")
    assert oldest["body_bytes"] == 1


def test_what_was_forgotten_by_hand_can_be_restored_for_a_day(database: AnyDatabase) -> None:
    database.write(*(reject(number) for number in (1, 2, 3)))
    assert database.write(ForgetRejected(1, NOW), ForgetRejected(2, NOW), ForgetRejected(3)) == [True] * 3
    assert database.write(RestoreRejected(3, NOW), RestoreRejected(9, NOW)) == [False, False], "it was taken; none"
    database.write(reject(2), reject(4))
    assert database.write(RestoreRejected(2, NOW)) == [3], "it came again, under another number"
    assert [(row["number"], row["detail"], row["times"]) for row in listed(database)] == [
        *((4, "why 4", 1), (3, "why 2", 2))
    ]
    assert database.write(RestoreRejected(1, NOW)) == [1], "no other one has its number"
    assert listed(database)[-1]["detail"] == "why 1"
    assert database.write(RestoreRejected(1, NOW)) == [False], "once"
    database.write(ForgetRejected(1, NOW))
    assert database.write(RestoreRejected(1, NOW + 86_400_001)) == [False], "too late"
    assert database.write(DropForgotten(NOW, 9), *[DropForgotten(NOW + 1, 9)] * 2) == [0, 1, 0], "it is gone"


def test_the_same_body_at_another_route_is_another_refusal(database: AnyDatabase) -> None:
    database.write(reject(1), reject(1, route="POST /sigfox/uplink"))
    assert [row["route"] for row in listed(database)] == ["POST /sigfox/uplink", "POST /wlan"]


def test_the_oldest_go_first_and_no_number_is_given_again(database: AnyDatabase) -> None:
    database.limit(rejected=3)
    database.write(*(reject(number) for number in range(1, 6)))
    assert [(row["number"], row["detail"]) for row in listed(database)] == [*((5, "why 5"), (4, "why 4"), (3, "why 3"))]


def test_they_are_found_by_their_text_in_any_case(database: AnyDatabase) -> None:
    database.write(*(reject(number) for number in range(1, 5)))
    assert [row["detail"] for row in listed(database, "WHY 3")] == ["why 3"]
    assert [row["detail"] for row in listed(database, "time AHEAD")] == ["why 4", "why 2"]
    assert listed(database, "nothing") == []


def test_numbers_are_walked_through_the_oldest_first(database: AnyDatabase) -> None:
    database.write(*(reject(number) for number in range(1, 6)))

    def numbers(**asked: Any) -> list[int]:
        given: dict[str, Any] = {"after": 0, "through": NUMBER_MAX, "limit": 9} | asked
        return database.ask(lambda queries: queries.rejected_numbers(**given))

    assert numbers() == [1, 2, 3, 4, 5]
    assert numbers(after=1, through=4, limit=2) == [2, 3]
    assert numbers(error="Time ahead") == [2, 4]
    assert numbers(error="another") == []


def test_one_is_read_whole_and_forgotten_once(database: AnyDatabase) -> None:
    database.write(reject(1))
    whole = database.ask(lambda queries: queries.rejection(1))
    assert whole is not None and whole.keys() == records.Rejection.__annotations__.keys()
    assert (whole["body"], whole["headers"]) == (b"\1", '{"a":"b"}')
    assert database.write(ForgetRejected(1), ForgetRejected(1)) == [True, False]
    assert database.ask(lambda queries: queries.rejection(1)) is None
