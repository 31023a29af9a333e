"""The HTTP client's connections: kept, given up, found stale."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import trio
from told_server import OK, Asker, forever, listen, read_request
from trio.testing import wait_all_tasks_blocked

from evd.errors import HttpBroken


async def test_one_connection_carries_one_request_after_another(nursery: trio.Nursery) -> None:
    connections: list[int] = []
    async with Asker(await listen(nursery, forever(OK, connections))) as client:
        for _ in range(5):
            assert (await client.ask()).body == b"ok"
    assert len(connections) == 1


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (OK, True),
        (CHUNKED, True),
        (b"HTTP/1.1 204 X\r\n\r\n", True),
        (OK.replace(b"1.1", b"1.0"), False),
        (OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), False),
    ],
    ids=["length", "chunks", "no body", "HTTP/1.0", "close"],
)
async def test_a_connection_is_kept_only_if_its_answer_ends_cleanly(
    answer: bytes, kept: bool, nursery: trio.Nursery
) -> None:
    connections: list[int] = []
    async with Asker(await listen(nursery, forever(answer, connections))) as client:
        for _ in range(2):
            assert (await client.ask()).body in (b"ok", b"a", b"")
    assert len(connections) == (1 if kept else 2)


async def test_no_more_connections_than_allowed_and_every_request_answered(nursery: trio.Nursery) -> None:
    now, most = 0, 0

    async def handler(stream: Any) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        try:
            await forever(OK)(stream)
        finally:
            now -= 1

    answered = 0
    async with Asker(await listen(nursery, handler), connections_max=3) as client:

        async def ask() -> None:
            nonlocal answered
            await client.ask()
            answered += 1

        async with trio.open_nursery() as askers:
            for _ in range(30):
                askers.start_soon(ask)
    assert (most, answered) == (3, 30)


async def test_a_connection_the_server_closed_while_idle_is_replaced_unnoticed(nursery: trio.Nursery) -> None:
    requests: list[bytes] = []
    closed = trio.Event()

    async def handler(stream: Any) -> None:
        requests.append(await read_request(stream))
        await stream.send_all(OK)
        await stream.aclose()
        closed.set()

    async with Asker(await listen(nursery, handler)) as client:
        await client.ask("GET", "/first")
        await closed.wait()
        await client.ask("GET", "/second")
    assert [request.split()[1] for request in requests] == [b"/first", b"/second"]


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
async def test_a_request_lost_in_a_closing_idle_connection_is_not_sent_again(
    reset: bool, nursery: trio.Nursery
) -> None:
    requests: list[bytes] = []

    async def handler(stream: Any) -> None:
        requests.append((await read_request(stream)).split()[1])
        await stream.send_all(OK)
        requests.append((await read_request(stream)).split()[1])  # read, and closed without an answer
        if reset:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    async with Asker(await listen(nursery, handler)) as client:
        await client.ask("GET", "/first")
        with pytest.raises(HttpBroken):
            await client.ask("GET", "/second")
    assert requests == [b"/first", b"/second"]


async def test_what_a_server_says_while_nobody_asks_is_no_answer(nursery: trio.Nursery) -> None:
    answered, said = trio.Event(), trio.Event()

    async def handler(stream: Any) -> None:
        await read_request(stream)
        await stream.send_all(OK)
        if not said.is_set():
            await answered.wait()
            await stream.send_all(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
            said.set()
            await stream.receive_some(1)

    async with Asker(await listen(nursery, handler)) as client:
        await client.ask("GET", "/first")
        answered.set()
        await said.wait()
        assert (await client.ask("GET", "/second")).status == 200


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
async def test_a_request_is_not_sent_again_once_its_answer_had_begun(reset: bool, nursery: trio.Nursery) -> None:
    requests: list[bytes] = []

    async def handler(stream: Any) -> None:
        for answer in (OK, b"HTTP/1.1 200"):
            requests.append(await read_request(stream))
            await stream.send_all(answer)
        await wait_all_tasks_blocked()  # the client has read it; a reset would take it away
        if reset:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    async with Asker(await listen(nursery, handler)) as client:
        await client.ask()
        with pytest.raises(HttpBroken):
            await client.ask()
    assert len(requests) == 2


async def test_a_request_on_a_new_connection_is_sent_once(nursery: trio.Nursery) -> None:
    connections: list[int] = []

    async def handler(stream: Any) -> None:
        connections.append(1)
        await read_request(stream)

    async with Asker(await listen(nursery, handler)) as client:
        with pytest.raises(HttpBroken, match="without an answer"):
            await client.ask()
    assert len(connections) == 1


async def test_a_connection_idle_for_too_long_is_not_trusted(nursery: trio.Nursery) -> None:
    connections: list[int] = []
    async with Asker(await listen(nursery, forever(OK, connections)), idle_max_s=0) as client:
        await client.ask()
        await client.ask()
    assert len(connections) == 2
