"""How long a client's next bytes are waited for: from the beginning of a head or a body, whatever trickles in."""

from __future__ import annotations

import pytest
import trio
from asgi_site import call, site
from net_limits import asgi_limits
from raw_http import get, until
from trio.testing import MockClock, memory_stream_pair

from evd.net.server.connection import CROWDED
from evd.net.server.http1 import BODY_LATE, HEAD_LATE
from evd.net.server.http1_body import Allowance
from evd.net.server.http1_guard import RequestGuard
from evd.net.server.http1_head import RequestHead
from evd.net.server.read_deadline import ReadDeadline

HEAD_S, BODY_S = 10.0, 20.0
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"


def guard(seconds: float | None = None) -> RequestGuard:
    def allow(head: RequestHead) -> Allowance:
        return Allowance(100, seconds=seconds)

    return RequestGuard(head_max=1000, fields_max=10, allow=allow)


async def waited(deadline: ReadDeadline) -> float:
    """After how many seconds bytes that do not come are late."""
    _, stream = memory_stream_pair()
    began = trio.current_time()
    assert await deadline.receive(stream) is None
    return trio.current_time() - began


@pytest.mark.parametrize(
    ("sent", "seconds", "wait_s"),
    [
        (b"GE", None, HEAD_S),
        (HEAD, None, BODY_S),
        (HEAD + b"bod", None, BODY_S),
        (HEAD + b"bod", 3.0, 3.0),
        (HEAD + b"bodyGE", 3.0, HEAD_S),
    ],
)
async def test_a_head_and_a_body_have_their_deadlines(
    autojump_clock: MockClock, sent: bytes, seconds: float | None, wait_s: float
) -> None:
    deadline, reading = ReadDeadline(head_s=HEAD_S, body_s=BODY_S), guard(seconds)
    await trio.sleep(1)
    reading.feed(sent)
    assert deadline.follow(reading)
    assert await waited(deadline) == wait_s


async def test_a_fresh_connection_has_something_to_say(autojump_clock: MockClock) -> None:
    deadline = ReadDeadline(head_s=HEAD_S, body_s=BODY_S)
    await trio.sleep(4)
    assert await waited(deadline) == HEAD_S - 4


async def test_between_requests_there_is_no_deadline(autojump_clock: MockClock) -> None:
    deadline, reading = ReadDeadline(head_s=HEAD_S, body_s=BODY_S), guard()
    reading.feed(HEAD + b"body")
    assert deadline.follow(reading)
    with pytest.raises(trio.TooSlowError), trio.fail_after(1_000_000):
        await waited(deadline)


async def test_what_trickles_in_moves_no_deadline_and_the_next_request_begins_one(autojump_clock: MockClock) -> None:
    deadline, reading = ReadDeadline(head_s=HEAD_S, body_s=BODY_S), guard()
    reading.feed(b"P")
    assert deadline.follow(reading)
    await trio.sleep(4)
    reading.feed(b"OST")
    assert not deadline.follow(reading)
    assert await waited(deadline) == HEAD_S - 4
    reading.feed(HEAD[4:] + b"body" + b"P")
    assert deadline.follow(reading), "another head, though one was waited for before, too"
    assert await waited(deadline) == HEAD_S


async def test_bytes_in_time_are_returned_and_so_is_the_end(autojump_clock: MockClock) -> None:
    deadline = ReadDeadline(head_s=HEAD_S, body_s=BODY_S)
    sender, stream = memory_stream_pair()
    await sender.send_all(b"GE")
    assert await deadline.receive(stream) == b"GE"
    await sender.send_eof()
    assert await deadline.receive(stream) == b""


@pytest.mark.parametrize("in_body", [False, True])
async def test_who_waits_is_crowded_out_at_once(autojump_clock: MockClock, in_body: bool) -> None:
    deadline = ReadDeadline(head_s=HEAD_S, body_s=BODY_S)
    assert deadline.refusal(in_body=in_body) is (BODY_LATE if in_body else HEAD_LATE)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def wait() -> None:
            assert await waited(deadline) == 0

        await trio.testing.wait_all_tasks_blocked()
        deadline.crowd_out()
    assert deadline.refusal(in_body=in_body) is CROWDED
    assert await waited(deadline) == 0, "and whoever waits later"


async def test_a_wait_under_way_may_be_cut_short(autojump_clock: MockClock) -> None:
    deadline = ReadDeadline(head_s=HEAD_S, body_s=BODY_S)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def wait() -> None:
            assert await waited(deadline) == 2

        await trio.testing.wait_all_tasks_blocked()
        deadline.restart(2)


QUICK = asgi_limits(head_s=0.2, body_s=0.2, idle_s=0.2, linger_s=0.2)


@pytest.mark.parametrize(
    ("sent", "late"),
    [
        (get()[:10], True),
        (call(b"/echo", b"body")[:-2], True),
        (call(b"/echo", None, b"Transfer-Encoding: chunked") + b"5\r\nhel", True),
        (b"", False),
    ],
)
async def test_what_is_late_on_a_handed_over_connection_is_cut(sent: bytes, late: bool) -> None:
    async with site(QUICK) as here:
        async with await here.connect() as client:
            await client.send(get())
            assert (await client.read()).status == 200
            if sent:
                await client.send(sent.replace(b"GET /echo", b"POST /echo"))
            if late:
                assert (await client.read()).status == 408
            assert await client.ended()
        await until(lambda: not here.asgi_server.open)
        assert await here.answers()


async def test_a_body_may_have_a_deadline_of_its_own() -> None:
    async with site(asgi_limits(body_s=60), Allowance(64, seconds=0.1)) as here, await here.connect() as client:
        await client.send(call(b"/echo", b"body")[:-2])
        assert (await client.read()).status == 408
