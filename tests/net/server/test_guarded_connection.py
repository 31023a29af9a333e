"""A Quart application behind edge and ASGI server: what ends an unguarded hypercorn is refused, at every request."""

from __future__ import annotations

import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import orjson
import pytest
import structlog
import trio
from net_limits import admission, asgi_limits, edge_limits
from quart import Response, request
from quart_trio import QuartTrio
from raw_http import FAULTS, Client, Ended, Fault, connect, get, until

from evd.net.addresses import Proxies
from evd.net.server.asgi import AsgiLimits, AsgiServer
from evd.net.server.connection import Answer
from evd.net.server.edge import Edge
from evd.net.server.handover import ReplayStream
from evd.net.server.http1_body import Allowance
from evd.net.socket import PlainSocket
from evd.request.http import Reply, Request

INGEST = b"POST /sigfox/uplink HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
Send = Callable[[dict[str, object]], Awaitable[None]]
QUICK = asgi_limits(head_s=0.2, body_s=0.2, idle_s=0.2, linger_s=0.2)


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


BEFORE = {
    "alone": (b"", ()),
    "after an ingest request": (INGEST, (201,)),
    "after a request of the application": (get(), (200,)),
    "after one of each": (INGEST + get(), (201, 200)),
}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_is_refused_and_the_server_lives(fault: Fault, before: str) -> None:
    good, statuses = BEFORE[before]
    with structlog.testing.capture_logs() as logs:
        async with site() as here:
            async with await here.connect() as client:
                if good:
                    await client.send(good)
                assert tuple([(await client.read()).status for _ in statuses]) == statuses
                await client.send(fault.data)
                answer = await client.read()
                assert (answer.status, answer.headers["connection"]) == (fault.status, "close")
                assert fault.says in orjson.loads(answer.body)["detail"]
                assert await client.ended()
            assert await here.answers()
            assert here.edge.counters.failed == here.asgi_server.counters.failed == 0
    assert logs == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_pipelined_behind_good_requests_is_refused_after_their_answers(fault: Fault) -> None:
    async with site() as here:
        async with await here.connect() as client:
            await client.send(get() + call(b"/echo", b"two") + fault.data)
            assert (await client.read()).body == b"home"
            assert (await client.read()).body == b"two"
            assert (await client.read()).status == fault.status
            assert await client.ended()
        assert await here.answers()


async def test_a_fault_waits_for_the_response_that_is_due_before_it() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(call(b"/slow"))
        await here.web.asked.wait()
        await client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        here.web.go_on.set()
        assert (await client.read()).body == b"slow"
        assert (await client.read()).status == 400
        assert await client.ended()


async def test_a_fault_in_a_body_is_refused_before_the_application_hears_of_the_request() -> None:
    async with site() as here, await here.connect() as client:
        data = call(b"/stream", None, b"Transfer-Encoding: chunked")
        await client.send(data + b"1\r\nx\r\n")
        await client.send(b"1;x\r\nx\r\n")
        assert (await client.read()).status == 400
        assert await client.ended()
        assert not here.web.asked.is_set()
        assert await here.answers()


async def test_who_may_send_no_body_is_answered_while_still_sending_and_learns_that_it_is_the_end() -> None:
    async with site(allowance=Allowance(64, reads=False)) as here:
        async with await here.connect() as client:
            await client.send(call(b"/early", bytes(200_000))[:100_000])
            answer = await client.read()
            assert (answer.status, answer.headers["connection"]) == (401, "close")
            assert await client.ended()
        async with await here.connect() as client:
            await client.send(call(b"/early", b"small") * 2)
            assert [(await client.read()).status for _ in range(2)] == [401, 401]
        assert await here.answers()


@pytest.mark.parametrize("path", [b"/early", b"/nowhere", b"/echo"])
@pytest.mark.parametrize("body", [b"x" * 30_000, b""])
async def test_a_request_in_two_pieces_leaves_the_connection_as_the_answer_says(path: bytes, body: bytes) -> None:
    whole = call(path, body)
    head = whole[: len(whole) - len(body)]
    async with site() as here, await here.connect() as client:
        for _ in range(5):
            await client.send(head)
            await trio.sleep(0.01)  # the other piece is another packet
            await client.send(body)
            assert "connection" not in (await client.read()).headers


async def test_who_has_half_closed_gets_the_answers() -> None:
    async with site() as here:
        async with await here.connect() as client:
            await client.send(get() + call(b"/slow"))
            await client.stream.send_eof()
            await here.web.asked.wait()
            assert (await client.read()).body == b"home"
            here.web.go_on.set()
            assert (await client.read()).body == b"slow"
            assert await client.ended()
        await until(lambda: not here.asgi_server.open)


async def test_who_has_half_closed_gets_the_rest_of_a_streamed_answer() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(call(b"/stream"))
        await here.web.asked.wait()
        await client.stream.send_eof()
        here.web.go_on.set()
        seen = b""
        with trio.fail_after(30):
            while part := await client.stream.receive_some():
                seen += bytes(part)
        assert seen.endswith(b"4\r\nrest\r\n0\r\n\r\n")


async def test_nobody_waits_for_the_end_of_events_once_their_reader_half_closed() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(call(b"/stream?type=text/event-stream"))
        await here.web.asked.wait()
        await client.stream.send_eof()
        await until(lambda: not here.asgi_server.open)


async def test_quart_first_then_an_ingest_request_is_served_by_the_application() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(get() + INGEST + get())
        assert [(await client.read()).body for _ in range(3)] == [b"home", b"quart:hi", b"home"]
        assert here.edge.counters.handed_over == 1


async def test_ingest_first_then_quart_is_served_by_both_in_order() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(INGEST + INGEST + call(b"/echo", b"x"))
        assert [(await client.read()).body for _ in range(3)] == [b"edge:hi", b"edge:hi", b"x"]


async def test_byte_by_byte_is_served_alike() -> None:
    async with site() as here, await here.connect() as client:
        chunks = call(b"/echo", None, b"Transfer-Encoding: chunked").replace(b"GET", b"POST") + b"2\r\nab\r\n0\r\n\r\n"
        for byte in INGEST + get() + chunks + call(b"/echo", b"body"):
            await client.send(bytes([byte]))
        assert [(await client.read()).body for _ in range(4)] == [b"edge:hi", b"home", b"ab", b"body"]


async def test_a_body_of_many_chunks_arrives_whole() -> None:
    async with site() as here, await here.connect() as client:
        chunks = call(b"/echo", None, b"Transfer-Encoding: chunked").replace(b"GET", b"POST")
        await client.send(chunks + b"5\r\nhello\r\n" * 1000 + b"0\r\n\r\n")
        assert (await client.read()).body == b"hello" * 1000


async def test_100_continue_is_sent_for_a_good_head_and_not_for_a_bad_one() -> None:
    async with site() as here, await here.connect() as client:
        for place in range(2):
            data = call(b"/echo", b"late", b"Expect: 100-continue")
            await client.send(data[:-4])
            assert (await client.read()).status == 100, place
            await client.send(data[-4:])
            assert (await client.read()).body == b"late"
        await client.send(call(b"/echo", None, b"Expect: 100-continue", b"Content-Length: 9999999"))
        assert (await client.read()).status == 413


async def test_no_server_name_is_shown_and_head_has_no_body() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(get().replace(b"GET", b"HEAD"))
        answer = await client.read(head_only=True)
        assert answer.headers["content-length"] == "4"
        assert "server" not in answer.headers
        await client.send(get(b"Connection: close"))
        assert (await client.read()).body == b"home"
        assert await client.ended()


@pytest.mark.parametrize(
    ("sent", "late"),
    [
        (get()[:10], True),
        (call(b"/echo", b"body")[:-2], True),
        (call(b"/echo", None, b"Transfer-Encoding: chunked") + b"5\r\nhel", True),
        (b"", False),
    ],
)
async def test_what_is_late_on_a_handed_over_connection_is_cut(sent: bytes, late: bool) -> None:
    async with site(QUICK) as here:
        async with await here.connect() as client:
            await client.send(get())
            assert (await client.read()).status == 200
            if sent:
                await client.send(sent.replace(b"GET /echo", b"POST /echo"))
            if late:
                assert (await client.read()).status == 408
            assert await client.ended()
        await until(lambda: not here.asgi_server.open)
        assert await here.answers()


async def test_a_body_may_have_a_deadline_of_its_own() -> None:
    async with site(asgi_limits(body_s=60), Allowance(64, seconds=0.1)) as here, await here.connect() as client:
        await client.send(call(b"/echo", b"body")[:-2])
        assert (await client.read()).status == 408


async def test_a_client_that_goes_away_ends_its_request() -> None:
    async with site(asgi_limits(answer_s=0.1)) as here:
        async with await here.connect() as client:
            await client.send(call(b"/slow"))
            await here.web.asked.wait()
        await until(lambda: not here.asgi_server.open)
        assert await here.answers()


@pytest.mark.parametrize("path", [b"/huge", b"/endless"])
@pytest.mark.parametrize("behind", [b"", get()], ids=["alone", "with a request behind it"])
async def test_a_client_that_never_reads_is_cut_at_the_write_deadline(path: bytes, behind: bytes) -> None:
    """And nothing of its end reaches the edge, which all connections share."""
    async with site(asgi_limits(write_s=0.1)) as here, await here.connect() as client:
        await client.send(call(path) + behind)
        await here.web.asked.wait()
        await until(lambda: not here.asgi_server.open)
        assert await here.answers()
        assert (here.edge.counters.failed, here.asgi_server.counters.failed) == (0, 0)


async def test_a_slow_reader_is_no_dead_one() -> None:
    async with site(asgi_limits(write_s=0.2)) as here, await here.connect() as client:
        await client.send(call(b"/huge"))
        with trio.fail_after(20):
            left = 64 * 1024 * 1024
            while left > 0:
                data = await client.stream.receive_some(1024 * 1024)
                assert data
                left -= len(data)


async def test_stop_closes_idle_connections_and_lets_responses_finish() -> None:
    async with site() as here, await here.connect() as idle, await here.connect() as busy:
        await idle.send(get())
        await idle.read()
        await busy.send(call(b"/slow"))
        await here.web.asked.wait()
        here.stop()
        assert await idle.ended()
        assert not here.over.is_set()
        assert here.web.stopped == 0
        here.web.go_on.set()
        answer = await busy.read()
        assert (answer.body, answer.headers["connection"]) == (b"slow", "close")
        assert await busy.ended()
        with trio.fail_after(30):
            await here.over.wait()
        assert (here.web.started, here.web.stopped) == (1, 1)


@pytest.mark.parametrize("path", [b"/slow", b"/huge"])
async def test_stop_cuts_what_is_left_after_its_deadline(path: bytes) -> None:
    async with site(asgi_limits(drain_s=0.2)) as here, await here.connect() as client:
        await client.send(call(path))
        await here.web.asked.wait()
        here.stop()
        with trio.fail_after(30):
            await here.over.wait()
        assert here.web.stopped == 1


async def test_after_the_stop_a_connection_is_asked_to_come_back() -> None:
    async with site() as here:
        here.asgi_server.stop()
        with trio.fail_after(30):
            await here.over.wait()
        async with await here.connect() as client:
            await client.send(get())
            assert (await client.read()).status == 503


async def test_the_application_knows_who_asks() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(call(b"/who"))
        assert orjson.loads((await client.read()).body) == {"local": False, "peer": "127.0.0.1", "scheme": "http"}


async def test_the_control_socket_uses_the_same_server(tmp_path: Path) -> None:
    async with site() as here, trio.open_nursery() as nursery:
        listening = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        await listening.bind(str(tmp_path / "evd.sock"))
        listening.listen()

        async def serve(stream: trio.SocketStream) -> None:
            await here.asgi_server.hand_over(stream, local=True)

        await nursery.start(trio.serve_listeners, serve, [trio.SocketListener(listening)])
        async with Client(await trio.open_unix_socket(tmp_path / "evd.sock")) as client:
            await client.send(call(b"/who"))
            answer = orjson.loads((await client.read()).body)
            assert answer == {"local": True, "peer": "<local>", "scheme": "http"}
            await client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            assert (await client.read()).status == 400
            assert await client.ended()
        nursery.cancel_scope.cancel()


async def bad_header(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b":no", b"secret")]})


async def too_much_body(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
    await send({"type": "http.response.body", "body": b"secret"})


async def an_error(send: Send) -> None:
    raise ValueError("secret")


@pytest.mark.parametrize("answer", [bad_header, too_much_body, an_error])
async def test_an_exception_behind_the_guard_stays_in_its_connection(answer: Callable[[Send], Awaitable[None]]) -> None:
    async def app(scope: dict[str, object], receive: object, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        if scope["path"] == "/":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
        else:
            await answer(send)

    asgi_server = AsgiServer(app, limits=asgi_limits(), log=structlog.get_logger())
    with structlog.testing.capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            await nursery.start(asgi_server.run)
            listeners = await nursery.start(partial(trio.serve_tcp, asgi_server.hand_over, 0, host="127.0.0.1"))
            port = listeners[0].socket.getsockname()[1]
            async with await connect(port) as client:
                await client.send(call(b"/bad"))
                with suppress(Ended):
                    assert (await client.read()).status in (200, 500)
            async with await connect(port) as client:
                await client.send(get())
                assert (await client.read()).status == 200
            nursery.cancel_scope.cancel()
    assert logs
    assert "secret" not in str(logs)


class Faulty(ReplayStream):
    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        raise ValueError("secret")


async def test_an_exception_of_a_connection_is_logged_by_its_type_and_counted() -> None:
    one, other = socket.socketpair()
    with other, structlog.testing.capture_logs() as logs:
        async with site() as here:
            await here.asgi_server.hand_over(Faulty(PlainSocket(one), b"", write_s=1.0))
            assert here.asgi_server.counters.failed == 1
            assert await here.answers()
    assert [entry["errors"] for entry in logs] == [["ValueError"]]
    assert "secret" not in str(logs)


async def test_connections_that_ended_leave_little_to_the_collector() -> None:
    """Thousands of them at once would be one long pause for everybody."""
    async with site() as here:
        for counted in (False, True):
            gc.collect()
            gc.disable()
            try:
                for _ in range(20):
                    async with await here.connect() as client:
                        await client.send(get())
                        await client.read()
                await until(lambda: not here.asgi_server.open)
                left = gc.collect()
            finally:
                gc.enable()
            assert not counted or left < 20 * 20


@pytest.mark.parametrize(("proxies", "whose"), [((), "127.0.0.1"), (("127.0.0.0/8",), "192.0.2.9")])
@pytest.mark.parametrize("header", ["Forwarded: for=192.0.2.9", "X-Forwarded-For: 192.0.2.9"])
async def test_the_application_finds_the_address_that_a_listed_proxy_names_for_each_request(
    header: str, proxies: tuple[str, ...], whose: str
) -> None:
    async with site(proxies=proxies) as here, await here.connect() as client:
        for said, expected in ((header.encode(), whose), (b"X-Other: 1", "127.0.0.1"), (header.encode(), whose)):
            await client.send(b"GET /who HTTP/1.1\r\nHost: x\r\n" + said + b"\r\n\r\n")
            assert orjson.loads((await client.read()).body)["peer"] == expected
