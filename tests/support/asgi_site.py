"""A Quart application behind edge and ASGI server, on one port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
import trio
from net_limits import admission, asgi_limits, edge_limits
from quart import Response, request
from quart_trio import QuartTrio
from raw_http import Client, connect, get

from evd.net.addresses import Proxies
from evd.net.server.asgi import AsgiLimits, AsgiServer
from evd.net.server.connection import Answer
from evd.net.server.edge import Edge
from evd.net.server.http1_body import Allowance
from evd.request.http import Reply, Request

INGEST = b"POST /sigfox/uplink HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"


def call(path: bytes, body: bytes | None = None, *lines: bytes) -> bytes:
    """A request to the application."""
    if body is None:
        return get(*lines).replace(b"GET / ", b"GET " + path + b" ")
    head = get(*lines, b"Content-Length: %d" % len(body))
    return head.replace(b"GET / ", b"POST " + path + b" ") + body


class Web:
    """An application with one route for each thing that a guard may get wrong."""

    def __init__(self) -> None:
        self.asked = trio.Event()
        self.go_on = trio.Event()
        self.started = 0
        self.stopped = 0
        self.app = app = QuartTrio(__name__)

        @app.get("/")
        async def home() -> str:
            return "home"

        @app.post("/echo")
        async def echo() -> bytes:
            return bytes(await request.get_data())

        @app.post("/sigfox/uplink")
        async def uplink() -> tuple[bytes, int]:
            return b"quart:" + bytes(await request.get_data()), 201

        @app.post("/early")
        async def early() -> tuple[str, int]:
            return "no", 401

        @app.get("/slow")
        async def slow() -> str:
            self.asked.set()
            await self.go_on.wait()
            return "slow"

        @app.get("/stream")
        async def stream() -> Response:
            async def parts() -> AsyncIterator[bytes]:
                yield b"part"
                self.asked.set()
                await self.go_on.wait()
                yield b"rest"

            return Response(parts(), content_type=request.args.get("type"))

        @app.get("/huge")
        async def huge() -> bytes:
            self.asked.set()
            return bytes(64 * 1024 * 1024)

        @app.get("/huge-head")
        async def huge_head() -> Response:
            self.asked.set()
            return Response("", headers={"X-Long": "x" * 16 * 1024 * 1024})

        @app.get("/endless")
        async def endless() -> Response:
            async def parts() -> AsyncIterator[bytes]:
                self.asked.set()
                while True:
                    yield bytes(1024 * 1024)
                    await trio.lowlevel.checkpoint()

            return Response(parts())

        @app.get("/who")
        async def who() -> dict[str, object]:
            assert request.scope is not None
            return {"local": request.scope["state"]["local"], "peer": request.remote_addr, "scheme": request.scheme}

        @app.before_serving
        async def start() -> None:
            self.started += 1

        @app.after_serving
        async def stop() -> None:
            self.stopped += 1


class Site:
    """Edge and ASGI server on one port."""

    def __init__(self, web: Web, edge: Edge, asgi_server: AsgiServer, port: int, over: trio.Event) -> None:
        self.web = web
        self.edge = edge
        self.asgi_server = asgi_server
        self.port = port
        self.over = over

    async def connect(self) -> Client:
        return await connect(self.port)

    async def answers(self) -> bool:
        """Whether a fresh client is still served, by both."""
        async with await self.connect() as client:
            await client.send(INGEST + get())
            return ((await client.read()).status, (await client.read()).body) == (201, b"home")

    def stop(self) -> None:
        self.edge.stop()
        self.asgi_server.stop()


@asynccontextmanager
async def site(
    limits: AsgiLimits | None = None, allowance: Allowance | None = None, proxies: Sequence[str] = ()
) -> AsyncIterator[Site]:
    def take(ingest: Request, answer: Answer) -> None:
        answer(Reply(201, b"edge:" + ingest.body))

    web = Web()
    allow = None if allowance is None else lambda head, peer: allowance
    asgi_server = AsgiServer(
        web.app, limits=limits or asgi_limits(), log=structlog.get_logger(), allow=allow, proxies=Proxies(proxies)
    )
    edge = Edge(
        take=take,
        is_ingest=lambda method, path: method == "POST" and path == "/sigfox/uplink",
        hand_over=asgi_server.hand_over,
        limits=edge_limits(),
        log=structlog.get_logger(),
        admission=admission(),
    )
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    over = trio.Event()

    async def run(task_status: trio.TaskStatus[None]) -> None:
        await asgi_server.run(task_status=task_status)
        over.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(run)
        await nursery.start(edge.serve, listeners)
        yield Site(web, edge, asgi_server, port, over)
        nursery.cancel_scope.cancel()
