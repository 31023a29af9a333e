"""What became of an import: counts, and what was skipped, by reason."""

from __future__ import annotations

import pytest

from evd.transfer.summary import DETAIL_MAX, OTHERS, REASONS_MAX, ImportSummary, Place


@pytest.mark.parametrize(
    ("verdict", "count"),
    [
        *[("newest", "new"), ("late", "new"), ("ahead", "new"), ("new", "new")],
        *[("duplicate", "known"), ("known", "known"), ("too old", "too_old"), ("no room", "too_old")],
    ],
)
def test_a_verdict_counts_as_new_known_or_too_old(verdict: str, count: str) -> None:
    summary = ImportSummary()
    summary.read("statuses")
    summary.take("statuses", verdict)
    assert summary.document()["tables"] == {"statuses": {"read": 1, "new": 0, "known": 0, "too_old": 0, count: 1}}


def test_what_could_be_read_without_writing_is_counted_by_itself() -> None:
    summary = ImportSummary()
    summary.read("owners")
    summary.take("owners", "readable")
    assert summary.document()["tables"]["owners"] == {"read": 1, "new": 0, "known": 0, "too_old": 0, "readable": 1}


def test_the_most_frequent_reason_comes_first_with_its_first_example() -> None:
    summary = ImportSummary()
    summary.skip("b", Place("f.json", 7), "x" * 1000)
    summary.skip("b", "users/anna", "later")
    for reason in ("c", "a"):
        summary.skip(reason, "users/ben", "once")
    assert summary.skipped == 4
    first, *others = summary.document()["skipped"]
    assert (first["reason"], first["count"]) == ("b", 2)
    assert (first["example"]["file"], first["example"]["line"]) == ("f.json", 7)
    assert len(first["example"]["detail"]) <= DETAIL_MAX + 1
    assert [one["reason"] for one in others] == ["a", "c"]
    assert others[0]["example"] == {"document": "users/ben", "detail": "once"}


def test_reasons_are_bounded() -> None:
    summary = ImportSummary()
    for number in range(REASONS_MAX + 5):
        summary.skip(f"reason {number}", "x", "")
    summary.skip("reason 0", "x", "")
    found = {one["reason"]: one["count"] for one in summary.document()["skipped"]}
    assert len(found) == REASONS_MAX + 1 and found[OTHERS] == 5 and found["reason 0"] == 2
