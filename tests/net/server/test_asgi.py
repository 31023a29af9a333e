"""The application's run: its start and stop, connections of both kinds, and errors that stay in their connection."""

from __future__ import annotations

import gc
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import orjson
import pytest
import structlog
import trio
from asgi_site import call, site
from net_limits import asgi_limits
from raw_http import Client, Ended, connect, get, until

from evd.net.server.asgi import AsgiServer
from evd.net.server.handover import ReplayStream
from evd.net.socket import PlainSocket

Send = Callable[[dict[str, object]], Awaitable[None]]


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
