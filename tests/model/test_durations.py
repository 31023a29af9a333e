"""A histogram of durations: cumulative buckets, whatever the order and the number of what was noted."""

from __future__ import annotations

import random

import pytest

from evd.model.durations import FOLDED_AT, DurationHistogram


def test_a_duration_counts_in_its_bucket_and_in_all_above() -> None:
    histogram = DurationHistogram((0.1, 1.0))
    for seconds in (5.0, 0.1, 0.05, 0.5):
        histogram.note(seconds)
    assert histogram.state().buckets == [("0.1", 2), ("1.0", 3), ("+Inf", 4)]
    assert histogram.state().buckets[-1] == ("+Inf", 4), "reading it changes nothing"
    assert histogram.state().sum_s == pytest.approx(5.65)


def test_many_are_counted_as_few_are() -> None:
    chance = random.Random(1)
    noted = [chance.expovariate(10) for _ in range(3 * FOLDED_AT + 7)]
    histogram = DurationHistogram((0.01, 0.1, 1.0))
    for seconds in noted:
        histogram.note(seconds)
    counts = [sum(one <= bound for one in noted) for bound in (0.01, 0.1, 1.0, 1e9)]
    assert [count for _, count in histogram.state().buckets] == counts
    assert histogram.state().sum_s == pytest.approx(sum(noted))


def test_the_longest_is_given_once() -> None:
    histogram = DurationHistogram((0.1, 1.0))
    assert histogram.take_worst_s() is None
    for seconds in (0.3, 5.0, 0.1):
        histogram.note(seconds)
    assert histogram.state().buckets[-1] == ("+Inf", 3)
    assert histogram.take_worst_s() == 5.0, "though it is in a bucket already"
    assert histogram.take_worst_s() is None
    histogram.note(0.2)
    assert histogram.take_worst_s() == 0.2
