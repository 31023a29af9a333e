"""The HTTP client's requests and answers, against real servers that say exactly what a test wants said."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from told_server import OK, Asker, Handler, forever, listen, read_request

from evd.errors import HttpBroken, HttpError
from evd.net.client.response import Response
from evd.version import VERSION


def answering(*answers: bytes) -> Handler:
    """Answers the n-th request of each connection with the n-th of `answers`, then closes."""

    async def handler(stream: Any) -> None:
        for answer in answers:
            if not await read_request(stream):
                return
            await stream.send_all(answer)

    return handler


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
