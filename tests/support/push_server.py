"""Servers on real sockets that answer pushes as a test says."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio

from evd.net.client.push_pool import PushPool
from evd.net.client.response import Response

REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n%02d"


SIZE = len(REQUEST % 0)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


Serve = Callable[[trio.SocketStream, int], Awaitable[None]]
"""What a server does with a connection, and the number of the connection, from 0."""


class Server:
    """Counts connections; `url` is its address."""

    def __init__(self) -> None:
        self.accepted = 0
        self.open = 0
        self.url = ""


@asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server()

    async def handle(stream: Any) -> None:
        number = server.accepted
        server.accepted += 1
        server.open += 1
        try:
            if tls is not None:
                stream = trio.SSLStream(stream, tls, server_side=True, https_compatible=True)
            async with stream:
                await serve(stream, number)
        except trio.BrokenResourceError:
            pass
        finally:
            server.open -= 1

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        server.url = f"http{'s' if tls else ''}://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        nursery.start_soon(trio.serve_listeners, handle, listeners)
        with trio.fail_after(10):
            yield server
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def connected(server: Server, **options: Any) -> AsyncIterator[PushPool]:
    made = PushPool(server.url, **{"connections_max": 4, "timeout_s": 5, "body_max": 1000, **options})
    try:
        yield made
    finally:
        await made.aclose()


async def read(stream: trio.SocketStream) -> bytes:
    """A request, whole; b"" at the end."""
    data = b""
    while len(data) < SIZE and (part := await stream.receive_some(SIZE - len(data))):
        data += part
    return data


async def answer(stream: trio.SocketStream, number: int) -> None:
    while await read(stream):
        await stream.send_all(OK)


def answer_with(data: bytes, *, hold: bool = False) -> Serve:
    """Each request with `data`; then the connection is closed, or held."""

    async def serve(stream: trio.SocketStream, number: int) -> None:
        while await read(stream):
            await stream.send_all(data)
            if not hold:
                return

    return serve


async def post_many(transport: PushPool, count: int) -> list[Response]:
    answers: list[Response] = []

    async def post(number: int) -> None:
        answers.append(await transport.post(REQUEST % (number % 100)))

    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(post, number)
    return answers
