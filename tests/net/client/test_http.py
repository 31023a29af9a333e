"""The connection pool against real servers on 127.0.0.1 that say exactly what a test wants said."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import trio
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from evd.errors import ConfigError, HttpBroken, HttpError, HttpTimeout
from evd.net.client.http import HEAD_MAX, HttpPool, Response, default_ssl_context, parse_origin, retry_after_s
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


def pool(url: str, **changes: Any) -> HttpPool:
    arguments: dict[str, Any] = {"connections_max": 4, "timeout_s": 5, "body_max": 1000, **changes}
    return HttpPool(url, **arguments)


# What is written


async def test_a_request_is_written_with_its_prefix_headers_and_length(nursery: trio.Nursery) -> None:
    seen: list[bytes] = []

    async def handler(stream: Any) -> None:
        seen.append(await read_request(stream))
        await stream.send_all(OK)

    url = await listen(nursery, handler)
    async with pool(f"{url}/base/") as client:
        await client.request("POST", "/x?y=1", {"X-Api-Key": "k"}, b"{}")
    host = url.removeprefix("http://")
    assert seen == [
        f"POST /base/x?y=1 HTTP/1.1\r\nHost: {host}\r\nUser-Agent: evd/{VERSION}\r\nX-Api-Key: k\r\n"
        "Content-Length: 2\r\n\r\n{}".encode()
    ]


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/a b", {}),
        ("GET", "/a\r\nX: y", {}),
        ("GET", "/a\nX", {}),
        ("GET", "a", {}),
        ("GET", "", {}),
        ("GET", "/ä", {}),
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
    connections: list[int] = []
    async with pool(await listen(nursery, forever(OK, connections))) as client:
        with pytest.raises(HttpError, match="path or a header that HTTP forbids"):
            await client.request(method, path, headers)
    assert not connections


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

    async with pool(await listen(nursery, handler)) as client:
        assert await client.request("GET", "/") == Response(status, headers, body)


async def test_an_answer_to_head_has_no_body_whatever_its_length_says(nursery: trio.Nursery) -> None:
    url = await listen(nursery, forever(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"))
    async with pool(url) as client:
        for _ in range(2):
            assert await client.request("HEAD", "/online") == Response(200, {"content-length": "9"}, b"")


BROKEN: list[tuple[str, bytes, str]] = [
    ("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n", "is not HTTP/1.1"),
    ("nothing", b"", "closed the connection without an answer"),
    ("half a head", b"HTTP/1.1 200 OK\r\nContent-", "in the middle of its answer"),
    ("half a body", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "in the middle of its answer"),
    ("half the chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "in the middle"),
    ("length and chunks", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "not HTTP"),
    ("an upgrade", b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "not HTTP/1.1"),
    ("a long body", b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001, "body of more than 1000 bytes"),
    ("an endless body", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001, "body of more than 1000 bytes"),
    ("long chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001, "more than 1000"),
    ("a long head", b"HTTP/1.1 200 OK\r\nA: " + b"x" * (HEAD_MAX + 3000), "an answer of more than"),
    ("endless trailers", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 12000, "more"),
    ("endless hints", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3000, "an answer of more than"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "says"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
async def test_an_answer_that_is_broken_or_too_large_is_one_error(
    answer: bytes, says: str, nursery: trio.Nursery
) -> None:
    async with pool(await listen(nursery, answering(answer))) as client:
        with pytest.raises(HttpBroken, match=says):
            await client.request("GET", "/")
        assert client.idle == 0


async def test_a_body_of_exactly_the_limit_is_read(nursery: trio.Nursery) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
    async with pool(await listen(nursery, answering(answer))) as client:
        assert len((await client.request("GET", "/")).body) == 1000


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80), st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n", OK]))
def test_whatever_the_other_side_sends_is_an_answer_or_http_broken(junk: bytes, start: bytes) -> None:
    async def ask() -> None:
        async with trio.open_nursery() as nursery:
            async with pool(await listen(nursery, answering(start + junk))) as client:
                with suppress(HttpBroken):
                    assert (await client.request("GET", "/")).status
            nursery.cancel_scope.cancel()

    trio.run(ask)


# Connections: kept, given up, found stale


async def test_one_connection_carries_one_request_after_another(nursery: trio.Nursery) -> None:
    connections: list[int] = []
    async with pool(await listen(nursery, forever(OK, connections))) as client:
        for _ in range(5):
            assert (await client.request("GET", "/")).body == b"ok"
        assert client.idle == 1
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
        (OK + b"rubbish", False),
        (OK + OK, False),
        (OK + b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000, False),
    ],
    ids=["length", "chunks", "no body", "HTTP/1.0", "close", "rubbish after it", "unasked answer", "unasked large one"],
)
async def test_a_connection_is_kept_only_if_its_answer_ends_cleanly(
    answer: bytes, kept: bool, nursery: trio.Nursery
) -> None:
    async with pool(await listen(nursery, forever(answer))) as client:
        assert (await client.request("GET", "/")).body in (b"ok", b"a", b"")
        assert client.idle == kept


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
    async with pool(await listen(nursery, handler), connections_max=3) as client:

        async def ask() -> None:
            nonlocal answered
            await client.request("GET", "/")
            answered += 1

        async with trio.open_nursery() as askers:
            for _ in range(30):
                askers.start_soon(ask)
        assert client.idle <= 3
    assert (most, answered) == (3, 30)


async def test_a_connection_the_server_closed_while_idle_is_replaced_unnoticed(nursery: trio.Nursery) -> None:
    requests: list[bytes] = []
    closed = trio.Event()

    async def handler(stream: Any) -> None:
        requests.append(await read_request(stream))
        await stream.send_all(OK)
        await stream.aclose()
        closed.set()

    async with pool(await listen(nursery, handler)) as client:
        await client.request("GET", "/first")
        await closed.wait()
        await client.request("GET", "/second")
    assert [request.split()[1] for request in requests] == [b"/first", b"/second"]


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
async def test_a_request_lost_in_a_closing_idle_connection_is_sent_again_once(
    reset: bool, nursery: trio.Nursery
) -> None:
    requests: list[bytes] = []

    async def handler(stream: Any) -> None:
        first = not requests
        requests.append((await read_request(stream)).split()[1])
        await stream.send_all(OK)
        if first:
            requests.append((await read_request(stream)).split()[1])  # read, and closed without an answer
            if reset:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    async with pool(await listen(nursery, handler)) as client:
        await client.request("GET", "/first")
        assert (await client.request("GET", "/second")).body == b"ok"
    assert requests == [b"/first", b"/second", b"/second"]


async def test_what_a_server_says_while_nobody_asks_is_no_answer(nursery: trio.Nursery) -> None:
    said = trio.Event()

    async def handler(stream: Any) -> None:
        await read_request(stream)
        await stream.send_all(OK)
        if not said.is_set():
            await stream.send_all(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
            said.set()
            await stream.receive_some(1)

    async with pool(await listen(nursery, handler)) as client:
        await client.request("GET", "/first")
        await said.wait()
        assert (await client.request("GET", "/second")).status == 200


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

    async with pool(await listen(nursery, handler)) as client:
        await client.request("GET", "/")
        with pytest.raises(HttpBroken):
            await client.request("GET", "/")
    assert len(requests) == 2


async def test_a_request_on_a_new_connection_is_sent_once(nursery: trio.Nursery) -> None:
    connections: list[int] = []

    async def handler(stream: Any) -> None:
        connections.append(1)
        await read_request(stream)

    async with pool(await listen(nursery, handler)) as client:
        with pytest.raises(HttpBroken, match="without an answer"):
            await client.request("GET", "/")
    assert len(connections) == 1


async def test_a_connection_idle_for_too_long_is_not_trusted(nursery: trio.Nursery) -> None:
    connections: list[int] = []
    async with pool(await listen(nursery, forever(OK, connections)), idle_max_s=0) as client:
        await client.request("GET", "/")
        await client.request("GET", "/")
    assert len(connections) == 2


async def test_small_packets_do_not_wait_for_each_other(nursery: trio.Nursery) -> None:
    async with pool(await listen(nursery, forever(OK))) as client:
        await client.request("GET", "/")
        assert client._idle[0]._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


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

    async with pool(await listen(nursery, handler), connections_max=1, timeout_s=0.1) as client:
        with pytest.raises(HttpTimeout, match=r"did not answer within 0\.1 s"):
            await client.request("GET", "/slow")
        with trio.fail_after(2):
            await ended.wait()
        assert (await client.request("GET", "/")).body == b"ok"


async def test_waiting_for_a_free_connection_counts_towards_the_deadline(nursery: trio.Nursery) -> None:
    url = await listen(nursery, forever(OK))
    async with pool(url, connections_max=1, timeout_s=0.1) as client, client._slots:
        with pytest.raises(HttpTimeout):
            await client.request("GET", "/")


async def test_a_cancelled_request_closes_its_connection_and_frees_its_place(nursery: trio.Nursery) -> None:
    asked, ended = trio.Event(), trio.Event()

    async def handler(stream: Any) -> None:
        if b"/slow" in await read_request(stream):
            asked.set()
            assert await stream.receive_some(1) == b""
            ended.set()
        else:
            await stream.send_all(OK)

    async with pool(await listen(nursery, handler), connections_max=1) as client:
        async with trio.open_nursery() as askers:
            askers.start_soon(client.request, "GET", "/slow")
            await asked.wait()
            askers.cancel_scope.cancel()
        with trio.fail_after(2):
            await ended.wait()
        assert client.idle == 0
        assert (await client.request("GET", "/")).body == b"ok"


async def test_a_closed_pool_refuses_and_lets_go_of_everything(nursery: trio.Nursery) -> None:
    client = pool(await listen(nursery, forever(OK)))
    await client.request("GET", "/")
    await client.aclose()
    assert client.idle == 0
    with pytest.raises(HttpError, match="are closed"):
        await client.request("GET", "/")


async def test_a_server_that_is_not_there_is_one_sentence() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with pool(url) as client:
            with pytest.raises(HttpBroken, match=f"Cannot connect to {url}: "):
                await client.request("GET", "/")


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
    async with pool(url, ssl_context=context) as client:
        for _ in range(3):
            assert (await client.request("GET", "/")).body == b"ok"
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
    async with pool(url, ssl_context=context) as client:
        with pytest.raises(HttpBroken, match=r"No TLS connection to https://127\.0\.0\.1.*certificate"):
            await client.request("GET", "/")


async def test_ssl_cert_file_names_the_authorities(
    authority: trustme.CA, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await listen(nursery, forever(OK), server_context(authority, "127.0.0.1"))
    with authority.cert_pem.tempfile() as file:
        monkeypatch.setenv("SSL_CERT_FILE", file)
        async with pool(url) as client:
            assert (await client.request("GET", "/")).status == 200


def test_tls_below_1_2_is_not_spoken() -> None:
    assert default_ssl_context().minimum_version == ssl.TLSVersion.TLSv1_2


# Addresses and Retry-After


@pytest.mark.parametrize(
    ("base", "host", "port", "netloc", "prefix"),
    [
        ("http://a", "a", 80, "a", ""),
        ("https://a/", "a", 443, "a", ""),
        ("https://a:443/v3/", "a", 443, "a", "/v3"),
        ("http://a:8080/x/y", "a", 8080, "a:8080", "/x/y"),
        ("http://[::1]:9", "::1", 9, "[::1]:9", ""),
    ],
)
def test_a_base_address_is_taken_apart(base: str, host: str, port: int, netloc: str, prefix: str) -> None:
    origin = parse_origin(base)
    assert (origin.host, origin.port, origin.netloc, origin.prefix) == (host, port, netloc, prefix)


@pytest.mark.parametrize(
    "base",
    ["", "a", "ftp://a", "http://", "http:///x", "http://a:x", "http://a:70000", "http://[::1", "http://a?b",
     "http://a#b", "http://a/b c", "http://ä", "http://a\r\nX: y", "http://user:pa55@a"],
)  # fmt: skip
def test_what_is_no_base_address_is_one_sentence_without_a_password(base: str) -> None:
    with pytest.raises(ConfigError, match="is no base address") as caught:
        HttpPool(base, connections_max=1, timeout_s=1, body_max=1)
    assert "pa55" not in str(caught.value)


NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2),
        (" 120 ", 120),
        ("0", 0),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("Mon, 99 Nov 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_nothing_else(value: str, seconds: float | None) -> None:
    assert retry_after_s(Response(503, {"retry-after": value}, b""), NOW) == seconds


def test_without_retry_after_there_is_none() -> None:
    assert retry_after_s(Response(503, {}, b""), NOW) is None


@given(st.text(max_size=60))
def test_no_retry_after_raises_or_is_negative_or_endless(value: str) -> None:
    seconds = retry_after_s(Response(503, {"retry-after": value}, b""), NOW)
    assert seconds is None or 0 <= seconds < 1e12
