"""An answer to a push is read whole, or it is none; a connection that said more is not used again."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
import trio
from push_server import OK, REQUEST, answer_with, connected, read, serving

from evd.errors import HttpBroken
from evd.net.client.push_connection import NoAnswer, PushConnection
from evd.net.client.response import Response
from evd.net.socket import PlainSocket


@pytest.mark.parametrize(
    ("data", "status", "headers", "body"),
    [
        (OK, 200, {}, b"OK"),
        (b"HTTP/1.1 503 X\r\nRETRY-After: 75\r\nContent-Length: 0\r\n\r\n", 503, {"retry-after": "75"}, b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nO\r\n1\r\nK\r\n0\r\n\r\n", 200, {}, b"OK"),
        (b"HTTP/1.1 103 Early\r\nRetry-After: 1\r\n\r\n" + OK, 200, {}, b"OK"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, {}, b""),
    ],
    ids=["a length", "Retry-After", "chunks", "an interim answer first", "no body"],
)
async def test_an_answer_is_read(data: bytes, status: int, headers: dict[str, str], body: bytes) -> None:
    async with serving(answer_with(data, hold=True)) as server, connected(server) as transport:
        for _ in range(2):
            assert await transport.post(REQUEST % 0) == Response(status, headers, body)
        assert server.accepted == 1


async def test_an_answer_may_come_in_single_bytes() -> None:
    async def serve(stream: trio.SocketStream, number: int) -> None:
        await read(stream)
        for byte in OK:
            await stream.send_all(bytes([byte]))

    async with serving(serve) as server, connected(server) as transport:
        assert (await transport.post(REQUEST % 0)).body == b"OK"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "closed the connection without an answer"),
        (OK[:-1], "in the middle of its answer"),
        (b"HTTP/1.1 200 OK\r\n\r\nOK", "in the middle of its answer"),  # no length: it may have been cut
        (b"garbage\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000, "a body of more than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "HTTP|more than"),
    ],
)
async def test_what_is_no_answer_is_one_sentence(data: bytes, says: str) -> None:
    async with serving(answer_with(data)) as server, connected(server) as transport:
        with pytest.raises(HttpBroken, match=says):
            await transport.post(REQUEST % 0)
        assert transport.open == 0


@pytest.mark.parametrize("data", [OK + OK, OK + b"rubbish", OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")])
async def test_a_connection_that_said_more_than_its_answer_is_not_used_again(data: bytes) -> None:
    async with serving(answer_with(data, hold=True)) as server, connected(server) as transport:
        for _ in range(3):
            assert (await transport.post(REQUEST % 0)).body == b"OK"
        assert server.accepted == 3


@pytest.fixture
def connection() -> Iterator[tuple[PushConnection, socket.socket]]:
    """A connection of which nothing waits, and the server's end."""
    one, other = socket.socketpair()
    with closing(other), closing(PlainSocket(one)) as wire:
        yield PushConnection(wire, "fcm.example", 1000), other


def test_an_answer_is_read_as_it_arrives(connection: tuple[PushConnection, socket.socket]) -> None:
    pushing, server = connection
    assert pushing.send(b"request")
    assert server.recv(100) == b"request"
    assert pushing.receive() is None
    for part in (OK[:10], OK[10:-1]):
        server.sendall(part)
        assert pushing.receive() is None
    server.sendall(OK[-1:])
    assert pushing.receive() == Response(200, {}, b"OK")
    assert (pushing.answered, pushing.reusable) == (1, True)


def test_a_connection_that_ends_between_requests_says_so(connection: tuple[PushConnection, socket.socket]) -> None:
    """So that its request may be sent again: the server has not begun to answer it."""
    pushing, server = connection
    pushing.send(b"request")
    server.sendall(OK)
    assert pushing.receive()
    pushing.send(b"another")
    server.shutdown(socket.SHUT_WR)
    with pytest.raises(NoAnswer, match=r"fcm\.example closed the connection without an answer"):
        pushing.receive()
    assert isinstance(pushing.cut_off(), NoAnswer)


def test_a_connection_that_ends_within_an_answer_is_no_such_one(
    connection: tuple[PushConnection, socket.socket],
) -> None:
    pushing, server = connection
    pushing.send(b"request")
    server.sendall(OK[:-1])
    server.shutdown(socket.SHUT_WR)
    with pytest.raises(HttpBroken, match="in the middle of its answer") as caught:
        while pushing.receive() is None:
            pass
    assert not isinstance(caught.value, NoAnswer)


@pytest.mark.parametrize(("size", "taken"), [(1000, True), (1001, False)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_may_have_its_limit(
    connection: tuple[PushConnection, socket.socket], size: int, taken: bool, chunked: bool
) -> None:
    pushing, server = connection
    pushing.send(b"request")
    framing = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % size if chunked else b"Content-Length: %d\r\n\r\n" % size
    server.sendall(b"HTTP/1.1 200 OK\r\n" + framing + bytes(size) + (b"\r\n0\r\n\r\n" if chunked else b""))
    if taken:
        answer = pushing.receive()
        assert answer is not None and len(answer.body) == size
    else:
        with pytest.raises(HttpBroken, match="a body of more than 1000 bytes"):
            pushing.receive()


def test_interim_answers_without_end_are_no_answer(connection: tuple[PushConnection, socket.socket]) -> None:
    pushing, server = connection
    pushing.send(b"request")
    with pytest.raises(HttpBroken, match="more than 67536 bytes"):
        while True:
            server.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 100)
            assert pushing.receive() is None
