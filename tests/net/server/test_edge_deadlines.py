"""The edge's deadlines and limits over real sockets."""

from __future__ import annotations

import resource
import socket

import pytest
import structlog
import trio
from edge_site import post, site
from net_limits import edge_limits
from raw_http import Client, get, until

from evd.net.server.connection import Answer
from evd.net.server.handover import ReplayStream
from evd.request.http import Reply, Request


async def test_a_steady_drip_of_a_body_is_cut_all_the_same() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(b"POST /sigfox/a HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:

                async def drip() -> None:
                    while True:
                        await client.send(b"x")
                        await trio.sleep(0.01)

                nursery.start_soon(drip)
                assert (await client.read()).status == 408
                nursery.cancel_scope.cancel()


@pytest.mark.parametrize("sent", [b"", post(b"first")])
async def test_an_idle_connection_is_closed_without_a_word(sent: bytes) -> None:
    async with site() as here, await here.connect() as client:
        if sent:
            await client.send(sent)
            await client.read()
        assert await client.ended()


async def test_a_kept_connection_may_rest_longer_than_a_head_may_take() -> None:
    limits = edge_limits(head_s=0.05, sweep_s=0.01)
    async with site(limits=limits) as here, await here.connect() as client:
        await client.send(post(b"one"))
        await client.read()
        await trio.sleep(0.15)  # time itself is what is tested
        await client.send(post(b"two"))
        assert (await client.read()).body == b"two"


async def test_one_connection_more_than_allowed_is_closed_at_once() -> None:
    async with site(permits=2) as here:
        async with await here.connect() as first, await here.connect() as second:
            for client in (first, second):
                await client.send(post(b"x"))
                await client.read()
            async with await here.connect() as third:
                assert await third.ended()
            assert here.edge.admission.turned_away == 1
        await until(lambda: not here.edge.open)
        assert await here.answers()


async def test_running_out_of_file_descriptors_is_survived_with_one_log_line() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with structlog.testing.capture_logs() as logs:
        async with site() as here:
            waiting = socket.create_connection(("127.0.0.1", here.port))  # the kernel takes it, the edge has not yet
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                await until(lambda: len(logs) > 0)
                await trio.sleep(0.3)  # long enough for three more tries
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            async with Client(trio.SocketStream(trio.socket.from_stdlib_socket(waiting))) as client:
                await client.send(post(b"patient"))
                assert (await client.read()).body == b"patient"
    assert [entry["error"] for entry in logs] == ["Too many open files"]


async def test_a_client_that_never_reads_is_cut_at_the_write_deadline() -> None:
    def take(request: Request, answer: Answer) -> None:
        answer(Reply(200, bytes(64 * 1024 * 1024)))

    async with site(take, limits=edge_limits(write_s=0.1, sweep_s=0.02)) as here, await here.connect() as client:
        await client.send(post(b"x"))
        await until(lambda: here.edge.counters.requests == 1 and not here.edge.open)


async def test_writes_of_a_handed_over_connection_have_a_deadline() -> None:
    outcome: list[type[BaseException]] = []

    async def hand_over(stream: ReplayStream) -> None:
        with pytest.raises(trio.BrokenResourceError) as caught:
            await stream.send_all(bytes(64 * 1024 * 1024))
        outcome.append(caught.type)

    limits = edge_limits(write_s=0.1)
    async with site(hand_over=hand_over, limits=limits) as here, await here.connect() as client:
        await client.send(get())
        await until(lambda: len(outcome) == 1)
