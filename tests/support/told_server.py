"""A server on 127.0.0.1 that says what a test wants said, and a client that asks it."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import trio

from evd.net.client.http import HttpClient
from evd.net.client.response import Response

Handler = Callable[[Any], Awaitable[None]]


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def listen(nursery: trio.Nursery, handler: Handler, context: ssl.SSLContext | None = None) -> str:
    """A server that gives each connection to `handler` and closes it afterwards; returns its base URL."""

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            wrapped = trio.SSLStream(stream, context, server_side=True, https_compatible=True) if context else stream
            with suppress(trio.BrokenResourceError):
                await handler(wrapped)

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, handle, listeners)
    port = listeners[0].socket.getsockname()[1]
    return f"{'https' if context else 'http'}://127.0.0.1:{port}"


async def read_request(stream: Any) -> bytes:
    """One request without a body, or with what came along with its head; b"" if the client has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = await stream.receive_some(65536)
        if not part:
            return b""
        data += part
    return data


def forever(answer: bytes, connections: list[int] | None = None) -> Handler:
    """Gives every request the same answer; counts the connections that asked for one."""

    async def handler(stream: Any) -> None:
        if connections is not None:
            connections.append(1)
        while await read_request(stream):
            await stream.send_all(answer)

    return handler


class Asker(HttpClient):
    """A client that asks one server."""

    def __init__(self, url: str, **changes: Any) -> None:
        arguments: dict[str, Any] = {"connections_max": 4, "timeout_s": 5, "body_max": 1000, **changes}
        super().__init__(**arguments)
        self.url = url

    async def ask(self, method: str = "GET", path: str = "/", *more: Any) -> Response:
        return await self.request(method, self.url + path, *more)
