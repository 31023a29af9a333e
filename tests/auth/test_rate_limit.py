"""The quota of requests: what is let in, what is left, and how long to wait."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from turned_clock import TurnedClock

from evd.auth import rate_limit
from evd.auth.rate_limit import Quota, RateLimit


def test_so_many_at_once_and_then_so_many_a_second() -> None:
    clock, quota = TurnedClock(), Quota(at_once=3, per_s=2)
    limit = RateLimit(clock)
    assert [limit.take("a", quota).remaining for _ in range(3)] == [2, 1, 0]
    refused = limit.take("a", quota)
    assert (refused.wait_s, refused.remaining, refused.full_in_s) == (1, 0, 2)
    assert limit.take("b", quota).wait_s == 0, "another requester has its own quota"
    clock.now += 500
    assert [limit.take("a", quota).wait_s for _ in range(2)] == [0, 1]
    clock.now += 60_000
    assert limit.take("a", quota).remaining == 2


def test_whoever_goes_on_asking_does_not_wait_the_longer() -> None:
    clock, quota = TurnedClock(), Quota(at_once=1, per_s=1)
    limit = RateLimit(clock)
    assert [limit.take("a", quota).wait_s for _ in range(100)] == [0] + [1] * 99
    clock.now += 1000
    assert limit.take("a", quota).wait_s == 0


def test_memory_is_bounded() -> None:
    limit = RateLimit(TurnedClock())
    quota = Quota(at_once=1, per_s=1)
    for number in range(rate_limit.REQUESTERS_MAX + 1):
        limit.take(str(number), quota)
    assert limit.take("1", quota).wait_s == 1
    assert limit.take("0", quota).wait_s == 0, "the one that asked the longest ago is forgotten"


@given(st.lists(st.integers(0, 5000), max_size=60), st.integers(1, 20), st.sampled_from([0.1, 1, 3, 50]))
def test_in_no_time_more_are_let_in_than_the_quota_says(pauses: list[int], at_once: int, per_s: float) -> None:
    clock, quota = TurnedClock(), Quota(at_once, per_s)
    limit, start, let_in = RateLimit(clock), clock.now, 0
    for pause in pauses:
        clock.now += pause
        standing = limit.take("a", quota)
        let_in += not standing.wait_s
        assert 0 <= standing.remaining < at_once
        assert 0 <= standing.full_in_s <= quota.window_s
        assert let_in <= at_once + (clock.now - start) / 1000 * per_s + 1e-6
        if standing.wait_s:
            clock.now += standing.wait_s * 1000
            assert not limit.take("a", quota).wait_s, "after the wait a request is let in"
            let_in += 1
