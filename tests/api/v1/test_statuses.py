"""A vehicle's statuses: pages of a history, buckets, and questions that are wrong."""

from __future__ import annotations

import csv
import io

import pytest
from builders import NOW
from user_fleet import MINUTE, STATUSES, User, pages

from evd.api.times import rfc3339


def test_a_history_is_paged_in_either_order(anna: User) -> None:
    span = f"from={rfc3339(NOW + 10 * MINUTE)}&until={NOW + 30 * MINUTE}"
    for order, numbers in (("asc", range(10, 31)), ("desc", range(30, 9, -1))):
        found = pages(anna, f"/vehicles/A1/statuses?{span}&order={order}&limit=8")
        assert [row["range"] for page in found for row in page] == list(numbers)
        assert [len(page) for page in found] == [8, 8, 5]
    row = anna.get(f"/vehicles/A1/statuses?{span}&limit=1").json()[0]
    assert (row["time"], row["time_ms"]) == (rfc3339(NOW + 10 * MINUTE), NOW + 10 * MINUTE)
    assert (row["seqNumber"], row["channel"], row["other"]) == (10, "sigfox", {"hatch": {"open": True}, "load": 10.5})
    (chosen,) = anna.get(f"/vehicles/A1/statuses?{span}&limit=1&fields=load,range,nothing").json()
    assert chosen.keys() == {"vehicle", "id", "time", "time_ms", "load", "range"} and chosen["load"] == 10.5


def test_buckets_follow_each_other_in_pages(anna: User) -> None:
    width, down = 15 * MINUTE, [page[0] for page in pages(anna, "/vehicles/A1/statuses?bucket=15m&order=desc&limit=1")]
    up = [row for page in pages(anna, "/vehicles/A1/statuses?bucket=15m&limit=7") for row in page]
    assert up == down[::-1]
    numbers: dict[int, list[int]] = {}
    for number in range(STATUSES):
        time = NOW + number * MINUTE
        numbers.setdefault(time - time % width, []).append(number)
    assert [(row["start_ms"], row["statuses"]) for row in up] == [(start, len(all_)) for start, all_ in numbers.items()]
    for row, all_ in zip(up, numbers.values(), strict=True):
        spread = {"min": all_[0], "mean": sum(all_) / len(all_), "max": all_[-1], "last": all_[-1]}
        assert row["fields"]["range"] == spread and row["last_time_ms"] == NOW + all_[-1] * MINUTE
    table = anna.get("/vehicles/A1/statuses?bucket=15m&fields=range&format=csv&limit=2")
    first, *_ = csv.DictReader(io.StringIO(table.text))
    assert (first["start_ms"], float(first["range_mean"])) == (str(up[0]["start_ms"]), up[0]["fields"]["range"]["mean"])
    assert "next" in table.links


@pytest.mark.parametrize(
    "query",
    [
        *(
            "from=2021-12",
            "from=2&until=1",
            "order=up",
            "limit=1001",
            "bucket=0m",
            "bucket=15",
            "bucket=367d",
            "fields=",
        ),
        *("format=xml", "cursor=x", "format=csv&limit=0", "fields=" + ",".join(f"a{n}" for n in range(65))),
    ],
)
def test_a_wrong_question_is_a_problem(anna: User, query: str) -> None:
    answer = anna.get(f"/vehicles/A1/statuses?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert query.partition("=")[0] in answer.json()["detail"] or "limit" in answer.json()["detail"]
