"""How fast, and when again: the token bucket and the waits, without sockets, for they are pure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evd.net.client.retry_delay import FIRST_S, LONGEST_S, SPREAD, delay_s
from evd.push.rate_limiter import FLOOR, RECOVER_S, RateLimiter

CHANCES = st.floats(0, 1, exclude_max=True)


@given(attempts=st.integers(0, 100), asked_s=st.floats(0, 3600), chance=CHANCES)
def test_no_wait_is_shorter_than_ten_seconds_or_than_what_was_asked(
    attempts: int, asked_s: float, chance: float
) -> None:
    wait_s = delay_s(attempts, asked_s, chance)
    assert max(FIRST_S, asked_s) <= wait_s <= max(LONGEST_S, (1 + SPREAD) * max(FIRST_S, asked_s))


def test_waits_double_up_to_ten_minutes_and_each_is_spread_over_a_third_at_least() -> None:
    shortest = [delay_s(attempts, 0, 0.0) for attempts in range(9)]
    longest = [delay_s(attempts, 0, 0.999) for attempts in range(9)]
    assert shortest == [10, 10, 20, 40, 80, 160, 300, 300, 300]
    assert [round(wait_s) for wait_s in longest] == [15, 20, 40, 80, 160, 320, 600, 600, 600]


def test_after_a_pause_the_rate_ramps_up_again() -> None:
    pace = RateLimiter(9500, ramp_s=60)
    pace.allowed(0)
    assert pace.rate(60) == 9500
    pace.pause(100, 60)
    assert pace.allowed(159) == 0
    assert pace.rate(160) == 9500 * FLOOR
    assert pace.rate(190) == 9500 / 2
    assert pace.rate(220) == 9500


def test_many_refusals_for_quota_halve_the_rate_once_and_it_recovers() -> None:
    pace = RateLimiter(9500, ramp_s=0)
    for _ in range(100):
        pace.halve(0, 60)
    assert pace.rate(60) == 9500 / 2
    assert pace.rate(60 + RECOVER_S / 4) == 9500 * 3 / 4
    assert pace.rate(60 + RECOVER_S) == 9500


def test_an_answer_does_not_end_a_pause_that_was_asked_for() -> None:
    pace = RateLimiter(9500, ramp_s=60)
    pace.allowed(0.0)
    pace.halve(1.0, 3600)  # 429, Retry-After: 3600; 511 others are in flight
    for _ in range(64):
        pace.unanswered(1.5)
    pace.answered(2.0)
    assert pace.allowed(2.1) == 0 and pace.ready_in(2.1) > 3000, pace.ready_in(2.1)


def test_a_quota_refused_in_a_ramp_is_no_wait_of_hours() -> None:
    """The rate is then 1 % of half of 1 % of half, and rises: what it says at its lowest is a wait of ten hours."""
    limiter = RateLimiter(100.0, ramp_s=60.0)
    now = 0.0
    for refused in (True, True, True, False, False):
        while not limiter.allowed(now):
            now += max(limiter.ready_in(now), 0.001)
        limiter.began(now, 1)
        if refused:
            limiter.halve(now, 60.0)
    assert now < 300.0
