"""A server that gives answers which a test lays out, for clients of HTTP."""

from __future__ import annotations

from contextlib import suppress

import trio

SECRET = "a-key-that-nobody-may-see"


async def answering(replies: list[bytes], nursery: trio.Nursery, asked: trio.Event | None = None) -> str:
    """A server that gives these answers in turn, the last one for ever, and hangs up at an empty one; its URL.

    `asked` is set by the first request.
    """
    left = list(replies)

    async def handle(stream: trio.SocketStream) -> None:
        # A client that ends may leave an answer unread, which resets the connection.
        with suppress(trio.BrokenResourceError):
            async with stream:
                await converse(stream)

    async def converse(stream: trio.SocketStream) -> None:
        while await stream.receive_some(65_536):
            if asked is not None:
                asked.set()
            reply = left.pop(0) if len(left) > 1 else left[0]
            if not reply:
                return
            await stream.send_all(reply)

    listeners: list[trio.SocketListener] = await nursery.start(trio.serve_tcp, handle, 0)
    port = next(one for one in listeners if one.socket.family == trio.socket.AF_INET).socket.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def reply(status: str, body: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
