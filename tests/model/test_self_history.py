"""What evd remembers of itself: rates between looks, the worst of a minute, and no more rows than it may keep."""

from __future__ import annotations

from math import isnan

import pytest

from evd.model.self_history import FINE_S, MEASURES, STEP_S, SelfHistory, Totals

NOW = 1_700_000_000_000


def looked(history: SelfHistory, *totals: Totals, began: int = 0) -> None:
    for turn, one in enumerate(totals, began):
        history.look(one, seconds=1000.0 + turn * STEP_S, at=NOW + turn * STEP_S * 1000)


def test_rates_and_means_come_of_what_was_counted_between_two_looks() -> None:
    history = SelfHistory(hours=1)
    looked(
        history,
        Totals(callbacks=100, commits=10, commit_sum_s=1.0),
        Totals(callbacks=150, commits=30, commit_sum_s=1.5, refused=2, queue=7),
        Totals(callbacks=150, commits=30, commit_sum_s=1.5, refused=2),
    )
    found = history.span(60)
    assert found.step_s == STEP_S and found.times == [NOW + 10_000, NOW + 20_000]
    assert found.measures["callbacks_per_s"] == [5.0, 0.0]
    assert found.measures["refused_per_s"] == [0.2, 0.0]
    assert found.measures["queue"] == [7, 0]
    first, second = found.measures["commit_ms"]
    assert first == 25.0 and isnan(second), "nothing was committed: no mean"
    assert all(isnan(one) for one in found.measures["memory_bytes"]), "it is not known"


def test_a_minute_has_the_worst_of_its_looks_and_the_rate_of_all() -> None:
    history = SelfHistory(hours=1)
    worst = (0.1, 0.9, 0.2, 0.1, 0.1, 0.1)
    free = (500, 400, 600, 600, 600, 600)
    totals = [
        Totals(callbacks=60 * turn, commit_worst_s=worst[turn - 1], disk_free=free[turn - 1], database=turn)
        for turn in range(1, 7)
    ]
    looked(history, Totals(), *totals)
    found = history.span(2 * FINE_S)
    assert found.step_s == 60 and len(found.times) == 1
    assert {name: found.measures[name][0] for name in ("callbacks_per_s", "commit_worst_ms")} == {
        "callbacks_per_s": 6.0,
        "commit_worst_ms": 900.0,
    }
    assert found.measures["disk_free_bytes"] == [400] and found.measures["database_bytes"] == [6]
    assert len(history.span(FINE_S).times) == 6


@pytest.mark.parametrize("hours", [1, 2])
def test_it_is_bounded(hours: int) -> None:
    history = SelfHistory(hours=hours)
    looks = hours * FINE_S // STEP_S + 100
    looked(history, *[Totals(callbacks=turn) for turn in range(looks)])
    assert len(history.span(FINE_S).times) == FINE_S // STEP_S
    coarse = history.span(7 * 24 * FINE_S)
    assert len(coarse.times) == hours * 60
    assert coarse.measures.keys() == MEASURES.keys()
    assert set(coarse.measures["callbacks_per_s"]) == {0.1}
    assert history.span(30).times == history.span(FINE_S).times[-3:]
