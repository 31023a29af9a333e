"""The edge over real sockets: answers in order, faults, the hand-over, and who asks behind a proxy."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

import orjson
import pytest
import structlog
import trio
from edge_site import post, site
from net_limits import edge_limits
from raw_http import FAULTS, Ended, Fault, get

from evd.errors import Unauthorized, Unavailable
from evd.net.server.connection import Answer
from evd.net.server.handover import ReplayStream
from evd.request.http import Reply, Request


async def test_an_ingest_request_is_answered_and_the_connection_kept() -> None:
    async with site() as here, await here.connect() as client:
        for body in (b"one", b"", b"three"):
            await client.send(post(body, path=b"/sigfox/%75plink"))
            answer = await client.read()
            assert (answer.status, answer.body, answer.headers["x-path"]) == (201, body, "/sigfox/uplink")
            assert "connection" not in answer.headers
        assert (here.edge.counters.connections, here.edge.counters.requests, here.edge.open) == (1, 3, 1)


async def test_whoever_takes_is_given_the_whole_request() -> None:
    seen: list[Request] = []

    def take(request: Request, answer: Answer) -> None:
        seen.append(request)
        answer(Reply(204))

    async with site(take) as here, await here.connect() as client:
        await client.send(post(b"{}", b"X-API-Key: k", path=b"/sigfox/a%20b?c=%20"))
        assert (await client.read()).status == 204
    headers = {b"host": b"x", b"x-api-key": b"k", b"content-length": b"2"}
    assert seen == [Request("POST", "/sigfox/a b", b"c=%20", headers, b"{}", "127.0.0.1")]


async def test_a_request_may_come_byte_by_byte() -> None:
    async with site(limits=edge_limits()) as here, await here.connect() as client:
        for byte in post(b"hello"):
            await client.send(bytes([byte]))
        assert (await client.read()).body == b"hello"


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with site() as here, await here.connect() as client:
        bodies = [b"%d" % number for number in range(100)]
        await client.send(b"".join(post(body) for body in bodies))
        assert [(await client.read()).body for _ in bodies] == bodies


async def test_a_pipelined_request_that_is_no_ingest_one_is_handed_over_after_the_answers_before_it() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(post(b"1") + get() + b"rest")
        assert (await client.read()).status == 201
        assert (await client.read()).body == get() + b"rest"
        assert await client.ended()
        assert here.edge.counters.handed_over == 1


@pytest.mark.parametrize(
    ("request_bytes", "kept"),
    [
        (post(b"x"), True),
        (post(b"x", b"Connection: close"), False),
        (post(b"x", version=b"HTTP/1.0"), False),
        (post(b"x", b"Connection: keep-alive", version=b"HTTP/1.0"), True),
    ],
)
async def test_the_connection_is_kept_as_client_and_version_have_it(request_bytes: bytes, kept: bool) -> None:
    async with site() as here, await here.connect() as client:
        await client.send(request_bytes)
        answer = await client.read()
        assert answer.status == 201
        if kept:
            await client.send(request_bytes)
            assert (await client.read()).status == 201
        else:
            assert answer.headers["connection"] == "close"
            assert await client.ended()


async def test_head_is_answered_without_the_body() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(post(b"body").replace(b"POST", b"HEAD") + post(b"next"))
        answer = await client.read(head_only=True)
        assert answer.headers["content-length"] == "4"
        assert (await client.read()).body == b"next"


async def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    async with site() as here, await here.connect() as client:
        whole = post(b"late", b"Expect: 100-continue")
        await client.send(whole[:-4])
        assert (await client.read()).status == 100
        await client.send(whole[-4:])
        assert (await client.read()).body == b"late"
        await client.send(whole)
        assert (await client.read()).status == 201


async def test_a_body_too_large_is_refused_before_100_continue() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(
            b"POST /sigfox/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n\r\n"
        )
        assert (await client.read()).status == 413
        assert await client.ended()


async def test_a_refusal_can_be_read_though_the_client_is_still_sending() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(b"POST /sigfox/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)
        assert (await client.read()).status == 413


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_of_an_ingest_request_is_refused_and_the_connection_closed(fault: Fault) -> None:
    data = fault.data.replace(b"GET / ", b"POST /sigfox/a ")
    async with site(limits=edge_limits()) as here:
        async with await here.connect() as client:
            await client.send(post(b"first") + data)
            assert (await client.read()).body == b"first"
            answer = await client.read()
            assert (answer.status, answer.headers["connection"]) == (fault.status, "close")
            assert fault.says in orjson.loads(answer.body)["detail"]
            assert await client.ended()
        assert here.edge.counters.refused == 1
        assert await here.answers()


async def test_what_taking_raises_is_answered() -> None:
    def take(request: Request, answer: Answer) -> None:
        if request.body == b"key":
            raise Unauthorized("The key is unknown; send another.")
        if request.body == b"full":
            raise Unavailable("The queue is full; come back later.", retry_after_s=60)
        raise KeyError("secret")

    async with site(take) as here, await here.connect() as client:
        await client.send(post(b"key"))
        assert (await client.read()).status == 401
        await client.send(post(b"full"))
        answer = await client.read()
        assert (answer.status, answer.headers["retry-after"]) == (503, "60")
        with structlog.testing.capture_logs() as logs:
            await client.send(post(b"other"))
            answer = await client.read()
        assert answer.status == 500
        assert b"secret" not in answer.body
        assert await client.ended()
        assert [entry["error"] for entry in logs] == ["KeyError"]
        assert here.edge.counters.failed == 1


async def fails(stream: ReplayStream) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, b"half an answer")
        raise ValueError("secret")


async def lets_a_cancellation_slip_out(stream: ReplayStream) -> None:
    """As whoever enters a nursery by hand and forgets what its end returns."""
    nursery = trio.open_nursery()
    (await nursery.__aenter__()).cancel_scope.cancel()
    try:
        await trio.sleep_forever()
    except BaseException as error:
        await nursery.__aexit__(type(error), error, error.__traceback__)
        raise


@pytest.mark.parametrize(("hand_over", "error"), [(fails, "ValueError"), (lets_a_cancellation_slip_out, "Cancelled")])
async def test_what_a_handed_over_connection_raises_stays_in_its_task(
    hand_over: Callable[[ReplayStream], Awaitable[None]], error: str
) -> None:
    async with site(hand_over=hand_over) as here:
        with structlog.testing.capture_logs() as logs:
            async with await here.connect() as client:
                await client.send(get())
                with pytest.raises(Ended):
                    await client.read()
        assert [entry["errors"] for entry in logs] == [[error]]
        assert "secret" not in str(logs)
        assert here.edge.counters.failed == 1
        assert await here.answers()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /sig", 408),
        (b"POST /sigfox/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab", 408),
        (post(b"done") + b"POST", 408),
        (post(b"slow"), 503),
    ],
)
async def test_what_is_late_is_answered_and_cut(sent: bytes, status: int) -> None:
    def take(request: Request, answer: Answer) -> None:
        if request.body != b"slow":
            answer(Reply(201))

    async with site(take) as here, await here.connect() as client:
        await client.send(sent)
        answer = await client.read()
        if answer.status == 201:
            answer = await client.read()
        assert answer.status == status
        assert await client.ended()
        assert here.edge.counters.timed_out == 1


async def test_one_that_sends_without_end_does_not_stand_in_anybodys_way() -> None:
    """Refused requests are answered at once, so that nothing but the edge itself makes them wait."""

    def take(request: Request, answer: Answer) -> None:
        raise Unauthorized("The key is unknown; send another.")

    async with site(take, limits=edge_limits()) as here, await here.connect() as greedy, await here.connect() as other:
        await greedy.send(100 * post())
        await other.send(post())
        await other.read()
        assert here.edge.counters.requests < 60
        assert [(await greedy.read()).status for _ in range(100)] == [401] * 100


# Behind a proxy


def tells_client(request: Request, answer: Answer) -> None:
    answer(Reply(201, request.peer.encode()))


FORWARDED = {"Forwarded": b"for=192.0.2.9", "X-Forwarded-For": b"192.0.2.9"}


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("header", FORWARDED)
async def test_a_request_is_from_whom_a_listed_proxy_names(
    header: str, secure: bool, certificates: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server, client_side = certificates if secure else (None, None)
    said = post(b"", header.encode() + b": " + FORWARDED[header])
    async with site(tells_client, proxies=["127.0.0.1"], tls=server) as here, await here.connect(client_side) as client:
        for request, whose in ((said, b"192.0.2.9"), (post(b""), b"127.0.0.1")):
            await client.send(request)
            assert (await client.read()).body == whose
    async with (
        site(tells_client, proxies=["192.0.2.0/24"], tls=server) as here,
        await here.connect(client_side) as client,
    ):
        await client.send(said)
        assert (await client.read()).body == b"127.0.0.1"
