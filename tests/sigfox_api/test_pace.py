"""Asking Sigfox's REST API: at will until it is too much, then at its pace; exact, in time that is passed in."""

from __future__ import annotations

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.sigfox_api.pace import EASE_AFTER, PACE_MAX_S, PACE_S, STEP, RequestPace


def test_nobody_waits_while_nothing_is_refused() -> None:
    pace = RequestPace()
    assert [pace.turn(now) for now in (5.0, 5.0, 5.0, 6.0)] == [5.0, 5.0, 5.0, 6.0]


def test_after_a_429_requests_go_one_after_the_other() -> None:
    pace = RequestPace()
    pace.too_many(begun=9.9, now=10.0)
    pace.wait(10.0, 5.0)
    assert [pace.turn(10.0) for _ in range(3)] == [15.0, 15.0 + PACE_S, 15.0 + 2 * PACE_S]
    assert pace.is_quiet(14.9)
    assert not pace.is_quiet(15.0)


def test_what_was_under_way_together_is_one_reason_to_slow_down() -> None:
    pace = RequestPace()
    for _ in range(4):
        pace.too_many(begun=9.9, now=10.0)
    assert pace.interval_s == PACE_S
    pace.too_many(begun=11.0, now=11.1)
    assert pace.interval_s == STEP * PACE_S


def test_the_pace_has_bounds_and_eases() -> None:
    pace = RequestPace()
    for now in range(1, 40):
        pace.too_many(begun=now, now=now)
    assert pace.interval_s == PACE_MAX_S
    for _ in range(20 * EASE_AFTER):
        pace.taken()
    assert pace.interval_s == PACE_S


def run(requests: int, tasks: int, limit_s: float, answer_s: float) -> tuple[list[float], list[float]]:
    """When requests began and which of them were refused: some tasks, and a server that takes one each `limit_s`."""
    pace, free_at, begun, refused = RequestPace(), 0.0, list[float](), list[float]()
    tries = [0] * requests
    waiting = list(range(requests))
    events = [(pace.turn(0.0), "go", waiting.pop(0), 0.0) for _ in range(min(tasks, requests))]
    while events:
        now, what, number, since = heapq.heappop(events)
        if what == "go":
            if pace.is_quiet(now):
                heapq.heappush(events, (pace.turn(now), "go", number, 0.0))
                continue
            begun.append(now)
            verdict = "ok" if now >= free_at else "429"
            free_at = now + limit_s if verdict == "ok" else free_at
            heapq.heappush(events, (now + answer_s, verdict, number, now))
        elif what == "429":
            refused.append(since)
            pace.too_many(since, now)
            pace.wait(now, 5.0 * 2 ** tries[number])
            tries[number] += 1
            assert tries[number] < 6, "a device would be skipped"
            heapq.heappush(events, (pace.turn(now), "go", number, 0.0))
        else:
            pace.taken()
            if waiting:
                heapq.heappush(events, (pace.turn(now), "go", waiting.pop(0), 0.0))
    return begun, refused


def busiest(times: list[float], window_s: float) -> float:
    return max(sum(start <= one < start + window_s for one in times) for start in times) / window_s


def test_a04_three_hundred_devices_against_one_request_a_second() -> None:
    begun, refused = run(300, 4, 1.0, 0.15)
    after = [one for one in begun if one > refused[0] + 0.15]
    assert len(begun) - len(refused) == 300
    assert len(refused) == 3, "the three that came with the first"
    assert begun[-1] < 330
    assert busiest(after, 10) <= 1.5


@pytest.mark.parametrize("limit_s", [0.5, 1.0, 3.0, 10.0])
@given(tasks=st.integers(1, 8), answer_s=st.floats(0.01, 3.0))
def test_law_nothing_is_skipped_whatever_the_limit(limit_s: float, tasks: int, answer_s: float) -> None:
    begun, refused = run(60, tasks, limit_s, answer_s)
    assert len(begun) - len(refused) == 60
