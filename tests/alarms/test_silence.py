"""Silences between callbacks: which is longer than usual, whatever the clock does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watched_alarms import BOUNDS, Watched

from evd.alarms.silence import FACTOR, HALF_LIFE_S, STEP_MAX_S, Passed, Rhythm
from evd.model.units import HOUR_S


def test_no_callback_for_longer_than_usual_alarms_until_one_comes() -> None:
    watched = Watched(callbacks=1)
    assert not watched.stay(6 * HOUR_S - 60, every_s=60, callbacks=1)
    (raised,) = watched.stay(60, every_s=60, callbacks=1)
    assert (raised.name, raised.severity) == ("silent", "critical")
    assert "6 h" in raised.text
    (cleared,) = watched.step(5, callbacks=2)
    assert cleared.state == "cleared"


def test_where_no_callback_ever_came_nobody_is_alarmed() -> None:
    assert not Watched().stay(7 * 86_400, every_s=60)


def test_a_fleet_that_rests_at_weekends_alarms_at_the_first_one_only() -> None:
    """An office's cars: every 10 min from 6 to 20 on weekdays, so 10 h of silence each night and 58 h at weekends."""
    watched, callbacks = Watched(callbacks=1), 1
    alarms: list[int] = []
    for minute in range(4 * 7 * 1440):
        day, hour = minute // 1440, minute // 60 % 24
        callbacks += day % 7 < 5 and 6 <= hour < 20 and minute % 10 == 0
        told = watched.step(60, callbacks=callbacks)
        alarms += [day for one in told if one.state == "raised" and not one.again]
    assert alarms == [0, 5], "in the first night, and on the first Saturday"


def test_of_a_long_outage_little_is_learned() -> None:
    watched = Watched(callbacks=1)
    watched.stay(7 * 86_400, every_s=60, callbacks=1)
    watched.step(5, callbacks=2)
    assert watched.alarms.memory.rhythm.limit_s(BOUNDS.silent_after_s) == 24 * HOUR_S


passing = st.lists(st.tuples(st.floats(0, STEP_MAX_S), st.booleans()), max_size=200)


@given(passing, st.floats(60, 1e6))
def test_the_limit_of_a_silence_grows_fourfold_at_most_and_is_never_below_the_least(
    steps: list[tuple[float, bool]], least_s: float
) -> None:
    rhythm = Rhythm()
    for passed_s, heard in steps:
        before = rhythm.limit_s(least_s)
        rhythm.step(passed_s, heard, least_s)
        assert least_s <= rhythm.limit_s(least_s) <= FACTOR * FACTOR * before
        assert rhythm.silent_s is None or rhythm.silent_s >= 0


@given(st.lists(st.integers(-(10**13), 10**13), min_size=1))
def test_whatever_the_clock_says_no_more_passes_than_a_minute_a_look(times: list[int]) -> None:
    passed = Passed()
    assert all(0 <= passed.look(now) <= STEP_MAX_S for now in times)


def test_the_longest_silence_is_half_forgotten_after_four_weeks() -> None:
    rhythm = Rhythm(silent_s=0.0, longest_s=100 * HOUR_S)
    rhythm.step(HALF_LIFE_S, heard=False, at_least_s=1)
    assert rhythm.longest_s == pytest.approx(50 * HOUR_S)
    assert rhythm.limit_s(1) == pytest.approx(100 * HOUR_S)


def test_a_clock_that_is_looked_at_first_has_shown_nothing() -> None:
    passed = Passed()
    assert [passed.look(now) for now in (5_000, 6_500, 1_000, 1_000 + 3_600_000)] == [0, 1.5, 0, STEP_MAX_S]
