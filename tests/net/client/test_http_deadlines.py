"""The HTTP client's deadlines, and requests that are cancelled."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import trio
from told_server import OK, Asker, forever, listen, read_request

from evd.errors import HttpBroken, HttpError, HttpTimeout


async def test_silence_ends_at_the_deadline_and_gives_the_connection_up(nursery: trio.Nursery) -> None:
    ended = trio.Event()

    async def handler(stream: Any) -> None:
        request = await read_request(stream)
        if b"/slow" in request:
            assert await stream.receive_some(1) == b""
            ended.set()
        else:
            await stream.send_all(OK)

    async with Asker(await listen(nursery, handler), connections_max=1, timeout_s=0.1) as client:
        with pytest.raises(HttpTimeout, match=r"did not answer within 0\.1 s"):
            await client.ask("GET", "/slow")
        with trio.fail_after(30):
            await ended.wait()
        assert (await client.ask()).body == b"ok"


async def test_waiting_for_a_free_connection_counts_towards_the_deadline(nursery: trio.Nursery) -> None:
    connections: list[int] = []

    async def handler(stream: Any) -> None:
        connections.append(1)
        await trio.sleep_forever()

    async def ask() -> None:
        with pytest.raises(HttpTimeout, match=r"did not answer within 0\.2 s"):
            await client.ask()

    client = Asker(await listen(nursery, handler), connections_max=1, timeout_s=0.2)
    began = trio.current_time()
    async with client, trio.open_nursery() as askers:
        for _ in range(50):
            askers.start_soon(ask)
    assert trio.current_time() - began < 5, "the second does not wait for the first and then for its own answer"
    assert connections
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"])
async def test_an_answer_that_drips_ends_at_the_deadline(head: bytes, nursery: trio.Nursery) -> None:
    async def handler(stream: Any) -> None:
        await read_request(stream)
        await stream.send_all(head)
        while True:
            await trio.sleep(0.01)
            await stream.send_all(b"x")

    async with Asker(await listen(nursery, handler), timeout_s=0.2) as client:
        began = trio.current_time()
        with pytest.raises(HttpTimeout):
            await client.ask()
        assert trio.current_time() - began < 10


async def test_a_cancelled_request_closes_its_connection_and_frees_its_place(nursery: trio.Nursery) -> None:
    asked, ended = trio.Event(), trio.Event()

    async def handler(stream: Any) -> None:
        if b"/slow" in await read_request(stream):
            asked.set()
            assert await stream.receive_some(1) == b""
            ended.set()
        else:
            await stream.send_all(OK)

    async with Asker(await listen(nursery, handler), connections_max=1) as client:
        async with trio.open_nursery() as askers:
            askers.start_soon(client.ask, "GET", "/slow")
            await asked.wait()
            askers.cancel_scope.cancel()
        with trio.fail_after(30):
            await ended.wait()
        assert (await client.ask()).body == b"ok"


async def test_a_closed_pool_refuses_and_lets_go_of_everything(nursery: trio.Nursery) -> None:
    ended = trio.Event()

    async def handler(stream: Any) -> None:
        await forever(OK)(stream)
        ended.set()

    client = Asker(await listen(nursery, handler))
    await client.ask()
    await client.aclose()
    with trio.fail_after(30):
        await ended.wait()
    with pytest.raises(HttpError, match="are closed"):
        await client.ask()


async def test_a_server_that_is_not_there_is_one_sentence() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with Asker(url) as client:
            with pytest.raises(HttpBroken, match=f"Cannot connect to {url}: "):
                await client.ask()
