"""The end of a listing: which entries count, when another page is needed, and when there is no end."""

from __future__ import annotations

from typing import Any

import pytest

from evd.errors import SigfoxError
from evd.sigfox_api.pages import EMPTY_PAGES_MAX, Pages

SECOND = 1_700_000_000
MS = SECOND * 1000


def at(*times: Any) -> list[dict[str, Any]]:
    return [{"time": time} for time in times]


@pytest.mark.parametrize(
    ("since", "before", "times", "kept"),
    [
        (None, None, [MS, 5], [MS, 5]),
        (MS, None, [MS + 1, MS, MS - 1], [MS + 1, MS]),
        (None, MS, [MS + 1, MS, MS - 1], [MS, MS - 1]),
        (MS, MS, [SECOND, SECOND + 1], [SECOND]),
        (MS, MS, [None, True, "x", 0, -1], [None, True, "x", 0, -1]),
    ],
)
def test_the_entries_that_count_lie_within_both_bounds_or_have_no_time(
    since: int | None, before: int | None, times: list[Any], kept: list[Any]
) -> None:
    entries, _ = Pages("x", since=since, before=before).take(at(*times), None)
    assert [entry["time"] for entry in entries] == kept


@pytest.mark.parametrize(
    ("since", "times", "follows"),
    [
        (None, [MS], True),
        (MS, [MS + 1, MS], True),
        (MS, [MS + 1, MS - 1], False),
        (MS, [MS + 1, MS - 1, None], False),
        (MS, [None], True),
        (MS, [], True),
    ],
)
def test_a_page_that_ends_before_since_is_the_last_one(since: int | None, times: list[Any], follows: bool) -> None:
    _, following = Pages("x", since=since).take(at(*times), "next")
    assert following == ("next" if follows else None)


def test_the_last_page_is_the_one_that_names_no_next() -> None:
    pages = Pages("x")
    assert pages.take(at(3), "a") == (at(3), "a")
    assert pages.take(at(2), None) == (at(2), None)


def test_so_many_empty_pages_in_a_row_are_no_listing_and_one_entry_begins_anew() -> None:
    pages = Pages("devices")
    for number in range(EMPTY_PAGES_MAX - 1):
        pages.take([], f"a{number}")
    pages.take(at(9), "between")
    for number in range(EMPTY_PAGES_MAX - 1):
        pages.take([], f"b{number}")
    with pytest.raises(SigfoxError, match=f"listing devices never ends .{EMPTY_PAGES_MAX} pages in a row"):
        pages.take([], "the last straw")


@pytest.mark.parametrize(
    "walk",
    [
        pytest.param([(at(3), "a"), (at(2), "a")], id="a page that was followed already"),
        pytest.param([(at(3), "a"), (at(2), "b"), (at(1), "a")], id="a circle"),
        pytest.param([(at(3), "a"), (at(3), "b")], id="the same entries again"),
    ],
)
def test_pages_that_repeat_are_refused(walk: list[tuple[list[dict[str, Any]], str]]) -> None:
    pages = Pages("x")
    for entries, following in walk[:-1]:
        pages.take(entries, following)
    with pytest.raises(SigfoxError, match="its pages repeat"):
        pages.take(*walk[-1])


def test_the_same_entries_on_the_last_page_are_no_fault() -> None:
    pages = Pages("x")
    pages.take(at(3), "a")
    assert pages.take(at(3), None) == (at(3), None)
