"""The HTTP client against real servers on 127.0.0.1 that say exactly what a test wants said."""

from __future__ import annotations

import gzip
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from evd.errors import HttpBroken, HttpError, HttpTimeout
from evd.net.client.http import HttpClient
from evd.net.client.response import Response
from evd.net.client.transport import default_ssl_context
from evd.version import VERSION

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


def answering(*answers: bytes) -> Handler:
    """Answers the n-th request of each connection with the n-th of `answers`, then closes."""

    async def handler(stream: Any) -> None:
        for answer in answers:
            if not await read_request(stream):
                return
            await stream.send_all(answer)

    return handler


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


# What is written


async def test_a_request_is_written_as_it_is_given_with_its_length_and_nothing_unasked(nursery: trio.Nursery) -> None:
    seen: list[bytes] = []

    async def handler(stream: Any) -> None:
        request = await read_request(stream)
        while not request.endswith(b"{}"):
            request += await stream.receive_some(1)
        seen.append(request)
        await stream.send_all(OK)

    url = await listen(nursery, handler)
    async with Asker(url) as client:
        await client.ask("POST", "/base/x?y=1", {"X-Api-Key": "k"}, b"{}")
    head, _, body = seen[0].partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    assert (line, body) == ("POST /base/x?y=1 HTTP/1.1", b"{}")
    assert dict(field.split(": ") for field in fields) == {
        "Host": url.removeprefix("http://"),
        "User-Agent": f"evd/{VERSION}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "keep-alive",
        "X-Api-Key": "k",
        "Content-Length": "2",
    }


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/a\r\nX: y", {}),
        ("GET", "/a\nX", {}),
        ("GE T", "/", {}),
        ("GET", "/", {"X": "a\r\nY: b"}),
        ("GET", "/", {"X": "a\nb"}),
        ("GET", "/", {"X\r\nY": "a"}),
        ("GET", "/", {"X": "ä"}),
    ],
)
async def test_what_could_smuggle_in_a_second_request_is_never_sent(
    method: str, path: str, headers: dict[str, str], nursery: trio.Nursery
) -> None:
    seen: list[bytes] = []

    async def handler(stream: Any) -> None:
        seen.append(await read_request(stream))

    async with Asker(await listen(nursery, handler)) as client:
        with pytest.raises(HttpError, match="an address or a header that HTTP forbids"):
            await client.ask(method, path, headers)
    assert b"".join(seen) == b""


@pytest.mark.parametrize("url", ["http://[::1/", "ftp://h/", "", "https://a..b/", "/path"])
async def test_an_address_that_is_none_is_one_sentence(url: str) -> None:
    async with Asker("") as client:
        with pytest.raises(HttpError, match="HTTP forbids"):
            await client.request("GET", url)


# What is read


ANSWERS: list[tuple[str, bytes, int, dict[str, str], bytes]] = [
    ("a length", OK, 200, {"content-length": "2"}, b"ok"),
    ("no body", b"HTTP/1.1 204 No Content\r\n\r\n", 204, {}, b""),
    ("a length that counts for nothing", b"HTTP/1.1 304 X\r\nETag: a\r\n\r\n", 304, {"etag": "a"}, b""),
    (
        "chunks and a trailer",
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Late: 1\r\n\r\n",
        201,
        {"transfer-encoding": "chunked"},
        b"abcde",
    ),
    ("the end of the connection", b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nto the end", 200, {"a": "b"}, b"to the end"),
    ("a repeated header", b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nContent-Length: 0\r\n\r\n", 200,
     {"a": "1, 2", "content-length": "0"}, b""),
    ("an interim answer", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, 200, {"content-length": "2"}, b"ok"),
    ("a redirect, not followed", b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", 302,
     {"location": "/other", "content-length": "0"}, b""),
    ("an error status", b"HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\n!", 503, {"content-length": "1"}, b"!"),
]  # fmt: skip


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize(("answer", "status", "headers", "body"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
async def test_every_framing_gives_the_whole_answer(
    answer: bytes, status: int, headers: dict[str, str], body: bytes, bytewise: bool, nursery: trio.Nursery
) -> None:
    async def handler(stream: Any) -> None:
        await read_request(stream)
        for part in [answer[i : i + 1] for i in range(len(answer))] if bytewise else [answer]:
            await stream.send_all(part)
            await trio.lowlevel.checkpoint()

    async with Asker(await listen(nursery, handler)) as client:
        assert await client.ask() == Response(status, headers, body)


async def test_an_answer_to_head_has_no_body_whatever_its_length_says(nursery: trio.Nursery) -> None:
    url = await listen(nursery, forever(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"))
    async with Asker(url) as client:
        for _ in range(2):
            assert await client.ask("HEAD", "/online") == Response(200, {"content-length": "9"}, b"")


BROKEN: list[tuple[str, bytes, str]] = [
    ("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "is not HTTP/1.1"),
    ("nothing", b"", "closed the connection without an answer"),
    ("half a head", b"HTTP/1.1 200 OK\r\nContent-", "closed the connection without an answer"),
    ("half a body", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "in the middle of its answer"),
    ("half the chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "in the middle"),
    ("an upgrade", b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "not HTTP/1.1"),
    ("a long body", b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001, "body of more than 1000 bytes"),
    ("an endless body", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001, "body of more than 1000 bytes"),
    ("long chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001, "more than 1000"),
    ("a long head", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 110_000, "not HTTP/1.1"),
    ("endless trailers", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 40_000, "not"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "says"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
async def test_an_answer_that_is_broken_or_too_large_is_one_error(
    answer: bytes, says: str, nursery: trio.Nursery
) -> None:
    async with Asker(await listen(nursery, answering(answer))) as client:
        with pytest.raises(HttpBroken, match=says):
            await client.ask()


async def test_a_body_of_exactly_the_limit_is_read(nursery: trio.Nursery) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
    async with Asker(await listen(nursery, answering(answer))) as client:
        assert len((await client.ask()).body) == 1000


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80), st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n", OK]))
def test_whatever_the_other_side_sends_is_an_answer_or_http_broken(junk: bytes, start: bytes) -> None:
    async def ask() -> None:
        async with trio.open_nursery() as nursery:
            async with Asker(await listen(nursery, answering(start + junk))) as client:
                with suppress(HttpBroken):
                    assert (await client.ask()).status
            nursery.cancel_scope.cancel()

    trio.run(ask)


# What is not done with an answer


async def test_a_redirect_is_given_and_not_followed(nursery: trio.Nursery) -> None:
    followed: list[int] = []
    elsewhere = await listen(nursery, forever(OK, followed))
    answer = f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere}/\r\nContent-Length: 0\r\n\r\n".encode()
    async with Asker(await listen(nursery, forever(answer))) as client:
        assert (await client.ask("POST", "/", {}, b"secret")).status == 307
    assert not followed


async def test_a_cookie_is_not_sent_back(nursery: trio.Nursery) -> None:
    seen: list[bytes] = []

    async def handler(stream: Any) -> None:
        while request := await read_request(stream):
            seen.append(request)
            await stream.send_all(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\n\r\n"))

    async with Asker(await listen(nursery, handler)) as client:
        await client.ask()
        await client.ask()
    assert len(seen) == 2
    assert b"cookie" not in seen[1].lower()


async def test_a_body_that_is_compressed_unasked_is_not_unpacked(nursery: trio.Nursery) -> None:
    """A thousand bytes of it may be a million."""
    packed = gzip.compress(bytes(100_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    async with Asker(await listen(nursery, answering(head.encode() + packed))) as client:
        assert (await client.ask()).body == packed


async def test_proxies_and_netrc_of_the_environment_do_not_count(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    seen: list[bytes] = []

    async def handler(stream: Any) -> None:
        seen.append(await read_request(stream))
        await stream.send_all(OK)

    async with Asker(await listen(nursery, handler)) as client:
        assert (await client.ask()).status == 200
    assert b"authorization" not in seen[0].lower()


async def test_no_log_and_no_error_holds_more_of_an_address_than_its_origin(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with Asker(await listen(nursery, answering(OK, b"no HTTP\r\n\r\n"))) as client:
        await client.ask("GET", "/TOPSECRET?key=TOPSECRET")
        with pytest.raises(HttpBroken) as broken:
            await client.ask("GET", "/TOPSECRET?key=TOPSECRET")
        with pytest.raises(HttpError) as forbidden:
            await client.ask("GE T", "/TOPSECRET")
    assert "TOPSECRET" not in f"{caplog.text}{broken.value}{forbidden.value}"


# What needs no answer but its status


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (OK, 200),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 9\r\n\r\nhalf", 410),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 200),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000, 200),
    ],
    ids=["whole", "half", "no chunks", "too long"],
)
async def test_of_a_delivery_the_status_stands_whatever_the_body_is(
    answer: bytes, status: int, nursery: trio.Nursery
) -> None:
    async with Asker(await listen(nursery, answering(answer))) as client:
        response = await client.deliver(client.url, {}, b"{}")
        assert (response.status, response.body) == (status, b"")


async def test_of_a_delivery_the_status_stands_where_the_body_is_late(nursery: trio.Nursery) -> None:
    async def handler(stream: Any) -> None:
        await read_request(stream)
        await stream.send_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n")
        await trio.sleep_forever()

    async with Asker(await listen(nursery, handler), timeout_s=0.2) as client:
        assert (await client.deliver(client.url, {}, b"{}")).status == 202
    nursery.cancel_scope.cancel()


async def test_a_delivery_without_a_status_is_an_error(nursery: trio.Nursery) -> None:
    async with Asker(await listen(nursery, answering(b""))) as client:
        with pytest.raises(HttpBroken):
            await client.deliver(client.url, {}, b"{}")


# Connections: kept, given up, found stale


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


# Deadlines and cancelling


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


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_over_tls_connections_are_kept_too(authority: trustme.CA, nursery: trio.Nursery) -> None:
    connections: list[int] = []
    url = await listen(nursery, forever(OK, connections), server_context(authority, "127.0.0.1"))
    context = default_ssl_context()
    authority.configure_trust(context)
    async with Asker(url, ssl_context=context) as client:
        for _ in range(3):
            assert (await client.ask()).body == b"ok"
    assert len(connections) == 1


@pytest.mark.parametrize(("name", "trusted"), [("127.0.0.1", False), ("127.0.0.2", True)])
async def test_a_certificate_of_a_stranger_or_for_another_name_is_refused(
    name: str, trusted: bool, authority: trustme.CA, nursery: trio.Nursery
) -> None:
    connections: list[int] = []
    url = await listen(nursery, forever(OK, connections), server_context(authority, name))
    context = default_ssl_context()
    if trusted:
        authority.configure_trust(context)
    async with Asker(url, ssl_context=context) as client:
        with pytest.raises(HttpBroken, match=r"No TLS connection to https://127\.0\.0\.1.*certificate"):
            await client.ask()


async def test_ssl_cert_file_names_the_authorities(
    authority: trustme.CA, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await listen(nursery, forever(OK), server_context(authority, "127.0.0.1"))
    with authority.cert_pem.tempfile() as file:
        monkeypatch.setenv("SSL_CERT_FILE", file)
        async with Asker(url) as client:
            assert (await client.ask()).status == 200


def test_tls_below_1_2_is_not_spoken() -> None:
    assert default_ssl_context().minimum_version == ssl.TLSVersion.TLSv1_2
