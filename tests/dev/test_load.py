"""A run of the simulator: its pace, its end, and how it counts what comes back."""

from __future__ import annotations

import math
from contextlib import aclosing
from typing import cast

import pytest
import trio
import trio.testing
from answering_server import SECRET, answering, reply
from hypothesis import given
from hypothesis import strategies as st

from evd.dev.fleet import Fleet
from evd.dev.load import Latencies, LoadGenerator, LoadReport
from evd.dev.traffic import Traffic
from evd.errors import ConfigError, HttpBroken
from evd.net.client.base_url import parse_base_url
from evd.net.client.push_pool import PushPool
from evd.net.client.response import Response


def simulator(pool: PushPool, count: int) -> LoadGenerator:
    return LoadGenerator(pool, Traffic(Fleet(2, 1)), {"sigfox": SECRET}, connections=1, count=count)


async def test_every_kind_of_answer_is_counted_and_overload_apart(nursery: trio.Nursery) -> None:
    taken, busy, wrong = reply("201 Created"), reply("503 Service Unavailable"), reply("400 Bad", '{"Error":\n"no"}')
    url = await answering([taken, busy, busy, wrong, b"HTTP/1.1 nonsense\r\n\r\n", taken], nursery)
    async with aclosing(PushPool(url, connections_max=1, timeout_s=5, body_max=1000)) as pool:
        run = simulator(pool, 6)
        await run.run()
    summary = run.tally.summary(2.0)
    assert summary["sent"] == 6
    assert summary["answers"] == {"201": 2, "400": 1, "503": 2}
    assert (summary["overloaded"], summary["unanswered"], summary["per_second"]) == (2, 1, 3.0)
    assert summary["first_trouble"] == "503"
    assert not run.tally.all_taken
    nursery.cancel_scope.cancel()


async def test_a_server_that_never_answered_ends_the_run_at_once(nursery: trio.Nursery) -> None:
    url = await answering([b""], nursery)
    async with aclosing(PushPool(url, connections_max=1, timeout_s=5, body_max=1000)) as pool:
        run = simulator(pool, 1000)
        with pytest.RaisesGroup(HttpBroken):
            await run.run()
    assert run.tally.sent == 0
    nursery.cancel_scope.cancel()


@given(st.lists(st.floats(0.01, 100_000), min_size=1), st.integers(1, 100))
def test_a_percentile_is_that_of_the_sorted_list_or_little_more(times: list[float], percent: int) -> None:
    latencies = Latencies()
    for ms in times:
        latencies.add(ms)
    exact = sorted(times)[math.ceil(len(times) * percent / 100) - 1]
    told = latencies.percentile(percent)
    assert told is not None
    assert exact * 0.99 <= told <= exact * 1.03


def test_there_is_no_percentile_of_nothing() -> None:
    assert Latencies().percentile(50) is None


# ---- the pace ----


class Taken:
    """In a pool's place: takes every call, after so many seconds."""

    origin = parse_base_url("http://evd.example.org")

    def __init__(self, takes_s: float = 0.0) -> None:
        self.at: list[float] = []
        self._takes_s = takes_s

    async def post(self, request: bytes) -> Response:
        self.at.append(trio.current_time())
        await trio.sleep(self._takes_s)
        return Response(201, {}, b"")


@pytest.mark.parametrize(
    ("takes_s", "connections", "sent_at"),
    [
        (0.0, 1, [0, 0.5, 1, 1.5, 2, 2.5]),
        (1.0, 1, [0, 1, 2]),  # one connection is busy: calls are late, and none is left out of order
        (1.0, 3, [0, 0.5, 1, 1.5, 2, 2.5]),
    ],
)
async def test_calls_keep_to_their_times_as_long_as_a_connection_is_free(
    takes_s: float, connections: int, sent_at: list[float], autojump_clock: trio.testing.MockClock
) -> None:
    pool = Taken(takes_s)
    run = LoadGenerator(
        cast("PushPool", pool), Traffic(Fleet(2, 1)), {"sigfox": SECRET}, connections=connections, rate=2, seconds=3
    )
    began = trio.current_time()
    await run.run()
    assert [round(at - began, 3) for at in pool.at] == sent_at
    assert (run.tally.sent, run.tally.all_taken) == (len(sent_at), True)


async def test_the_count_ends_a_run_whatever_its_connections(autojump_clock: trio.testing.MockClock) -> None:
    pool = Taken(1.0)
    run = LoadGenerator(cast("PushPool", pool), Traffic(Fleet(2, 1)), {"sigfox": SECRET}, connections=4, count=10)
    await run.run()
    assert run.tally.sent == 10
    assert run.seconds == 3.0


def test_a_key_that_no_header_can_hold_is_refused_and_not_shown() -> None:
    for key in ("two\nlines", "schlüssel"):
        with pytest.raises(ConfigError, match="the sigfox key has characters") as refused:
            LoadGenerator(cast("PushPool", Taken()), Traffic(Fleet(1, 1)), {"sigfox": key}, connections=1)
        assert key not in str(refused.value)


def test_the_first_trouble_is_one_line_and_stays() -> None:
    report, call = LoadReport(), Traffic(Fleet(1, 1)).next(0.0)
    report.answered(call, Response(400, {}, b"no\n such \xff"), 1.0)
    report.answered(call, Response(500, {}, b"later"), 1.0)
    assert report.first_trouble == "400 no such \ufffd"
    assert report.summary(0.0)["per_second"] == 0.0
