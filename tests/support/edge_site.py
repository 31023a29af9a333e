"""An edge on a port of its own, and what it is sent."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import structlog
import trio
from net_limits import admission, edge_limits
from raw_http import Client, connect

from evd.net.addresses import Proxies
from evd.net.server.connection import Answer, EdgeLimits
from evd.net.server.edge import Edge
from evd.net.server.handover import ReplayStream
from evd.net.socket import ServedTls
from evd.request.http import Reply, Request

QUICK = edge_limits(head_s=0.2, body_s=0.2, answer_s=0.2, idle_s=0.2, tls_hello_s=0.2, sweep_s=0.02, linger_s=0.2)


def post(body: bytes = b"", *lines: bytes, path: bytes = b"/sigfox/uplink", version: bytes = b"HTTP/1.1") -> bytes:
    head = (b"POST " + path + b" " + version, b"Host: x", *lines, b"Content-Length: %d" % len(body), b"")
    return b"".join(line + b"\r\n" for line in head) + body


def echo(request: Request, answer: Answer) -> None:
    answer(Reply(201, request.body, ((b"X-Path", request.path.encode()),)))


async def goodbye(stream: ReplayStream) -> None:
    """Says how many bytes of the request it was given, and closes."""
    data = await stream.receive_some(65536)
    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data))
    await stream.send_eof()


class Site:
    """An edge that serves on a port of its own."""

    def __init__(self, edge: Edge, port: int, served: trio.Event) -> None:
        self.edge = edge
        self.port = port
        self.served = served

    async def connect(self, tls: ssl.SSLContext | None = None) -> Client:
        return await connect(self.port, tls)

    async def answers(self, tls: ssl.SSLContext | None = None) -> bool:
        """Whether a fresh client is still served."""
        async with await self.connect(tls) as client:
            await client.send(post(b"still"))
            return (await client.read()).body == b"still"


@asynccontextmanager
async def site(
    take: Callable[[Request, Answer], None] = echo,
    hand_over: Callable[[ReplayStream], Awaitable[None]] = goodbye,
    *,
    limits: EdgeLimits = QUICK,
    tls: ssl.SSLContext | None = None,
    permits: int = 1024,
    proxies: Sequence[str] = (),
) -> AsyncIterator[Site]:
    edge = Edge(
        take=take,
        is_ingest=lambda method, path: method in ("POST", "HEAD") and path.startswith("/sigfox/"),
        hand_over=hand_over,
        limits=limits,
        log=structlog.get_logger(),
        admission=admission(permits),
        proxies=Proxies(proxies),
    )
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    served = trio.Event()

    async def serve(task_status: trio.TaskStatus[None]) -> None:
        await edge.serve(listeners, ServedTls(tls) if tls else None, task_status=task_status)
        served.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(serve)
        yield Site(edge, port, served)
        nursery.cancel_scope.cancel()
