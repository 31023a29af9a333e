"""How the edge ends: what is in hand is answered, and nothing holds the end up."""

from __future__ import annotations

import os

import pytest
import trio
from edge_site import post, site
from net_limits import edge_limits
from raw_http import until

from evd.net.server.connection import Answer
from evd.request.http import Reply, Request


async def test_stop_closes_the_idle_and_lets_requests_in_hand_finish() -> None:
    asked = trio.Event()
    held: list[Answer] = []

    def take(request: Request, answer: Answer) -> None:
        if request.body == b"slow":
            held.append(answer)
            asked.set()
        else:
            answer(Reply(201, request.body))

    async with site(take, limits=edge_limits()) as here:
        async with await here.connect() as idle, await here.connect() as fresh, await here.connect() as busy:
            await idle.send(post(b"x"))
            await idle.read()
            await busy.send(post(b"slow") + post(b"too late"))
            await asked.wait()
            here.edge.stop()
            assert await idle.ended()
            assert await fresh.ended()
            with pytest.raises(OSError, match="all attempts to connect"):
                await here.connect()
            assert not here.served.is_set()
            held[0](Reply(201, b"slow"))
            answer = await busy.read()
            assert (answer.body, answer.headers["connection"]) == (b"slow", "close")
            assert await busy.ended()
        with trio.fail_after(30):
            await here.served.wait()


async def test_a_head_that_has_begun_is_in_hand_when_the_edge_stops() -> None:
    async with site(limits=edge_limits()) as here, await here.connect() as client:
        await client.send(post(b"first") + post(b"x")[:20])
        await client.read()
        here.edge.stop()
        await client.send(post(b"x")[20:])
        answer = await client.read()
        assert (answer.body, answer.headers["connection"]) == (b"x", "close")


async def test_a_request_whose_bytes_are_in_the_socket_is_in_hand_when_the_edge_stops() -> None:
    async with site(limits=edge_limits()) as here, await here.connect() as client:
        await client.send(post(b"first"))
        await client.read()
        os.write(client.stream.socket.fileno(), post(b"second"))  # without a turn of the edge's task
        here.edge.stop()
        answer = await client.read()
        assert (answer.body, answer.headers["connection"]) == (b"second", "close")


async def test_a_reply_that_is_on_its_way_at_the_stop_does_not_hold_it_up() -> None:
    def take(request: Request, answer: Answer) -> None:
        answer(Reply(200, bytes(8 * 1024 * 1024)))  # more than the sockets' buffers hold

    async with site(take, limits=edge_limits(drain_s=60)) as here, await here.connect() as client:
        await client.send(post(b"x"))
        await until(lambda: here.edge.counters.requests == 1)
        here.edge.stop()
        assert len((await client.read()).body) == 8 * 1024 * 1024
        with trio.fail_after(30):
            await here.served.wait()


async def test_stop_cuts_what_is_left_after_its_deadline() -> None:
    def take(request: Request, answer: Answer) -> None:
        pass

    async with site(take, limits=edge_limits(drain_s=0.1)) as here, await here.connect() as client:
        await client.send(post(b"x"))
        await until(lambda: here.edge.counters.requests == 1)
        here.edge.stop()
        with trio.fail_after(30):
            await here.served.wait()
        assert await client.ended()


async def test_a_client_that_never_reads_does_not_hold_up_the_stop() -> None:
    def take(request: Request, answer: Answer) -> None:
        answer(Reply(200, bytes(64 * 1024 * 1024)))

    async with site(take, limits=edge_limits(drain_s=0.1)) as here, await here.connect() as client:
        await client.send(post(b"x"))
        await until(lambda: here.edge.counters.requests == 1)
        here.edge.stop()
        with trio.fail_after(30):
            await here.served.wait()
