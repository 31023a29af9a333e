"""The edge over real sockets: answers in order, limits, deadlines, TLS, the hand-over, and a graceful end."""

from __future__ import annotations

import os
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
import structlog
import trio
import trustme
from net_limits import admission, edge_limits
from raw_http import FAULTS, Client, Ended, Fault, connect, get, until

from evd.errors import Unauthorized, Unavailable
from evd.net.addresses import Proxies
from evd.net.server.connection import Answer, EdgeLimits
from evd.net.server.edge import Edge
from evd.net.server.handover import ReplayStream
from evd.net.socket import tls_context
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
    places: int = 1024,
    proxies: Sequence[str] = (),
) -> AsyncIterator[Site]:
    edge = Edge(
        take=take,
        is_ingest=lambda method, path: method in ("POST", "HEAD") and path.startswith("/sigfox/"),
        hand_over=hand_over,
        limits=limits,
        log=structlog.get_logger(),
        admission=admission(places),
        proxies=Proxies(proxies),
    )
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    served = trio.Event()

    async def serve(task_status: trio.TaskStatus[None]) -> None:
        await edge.serve(listeners, tls, task_status=task_status)
        served.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(serve)
        yield Site(edge, port, served)
        nursery.cancel_scope.cancel()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server and a client need to speak TLS with each other."""
    folder: Path = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return tls_context(folder / "cert.pem", folder / "key.pem"), client


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


async def test_a_steady_drip_of_a_body_is_cut_all_the_same() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(b"POST /sigfox/a HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:

                async def drip() -> None:
                    while True:
                        await client.send(b"x")
                        await trio.sleep(0.01)

                nursery.start_soon(drip)
                assert (await client.read()).status == 408
                nursery.cancel_scope.cancel()


@pytest.mark.parametrize("sent", [b"", post(b"first")])
async def test_an_idle_connection_is_closed_without_a_word(sent: bytes) -> None:
    async with site() as here, await here.connect() as client:
        if sent:
            await client.send(sent)
            await client.read()
        assert await client.ended()


async def test_a_kept_connection_may_rest_longer_than_a_head_may_take() -> None:
    limits = edge_limits(head_s=0.05, sweep_s=0.01)
    async with site(limits=limits) as here, await here.connect() as client:
        await client.send(post(b"one"))
        await client.read()
        await trio.sleep(0.15)  # time itself is what is tested
        await client.send(post(b"two"))
        assert (await client.read()).body == b"two"


async def test_one_connection_more_than_allowed_is_closed_at_once() -> None:
    async with site(places=2) as here:
        async with await here.connect() as first, await here.connect() as second:
            for client in (first, second):
                await client.send(post(b"x"))
                await client.read()
            async with await here.connect() as third:
                assert await third.ended()
            assert here.edge.admission.turned_away == 1
        await until(lambda: not here.edge.open)
        assert await here.answers()


async def test_running_out_of_file_descriptors_is_survived_with_one_log_line() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with structlog.testing.capture_logs() as logs:
        async with site() as here:
            waiting = socket.create_connection(("127.0.0.1", here.port))  # the kernel takes it, the edge has not yet
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                await until(lambda: len(logs) > 0)
                await trio.sleep(0.3)  # long enough for three more tries
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            async with Client(trio.SocketStream(trio.socket.from_stdlib_socket(waiting))) as client:
                await client.send(post(b"patient"))
                assert (await client.read()).body == b"patient"
    assert [entry["error"] for entry in logs] == ["Too many open files"]


async def test_stop_closes_the_idle_and_lets_requests_in_hand_finish() -> None:
    asked = trio.Event()
    held: list[Answer] = []

    def take(request: Request, answer: Answer) -> None:
        if request.body == b"slow":
            held.append(answer)
            asked.set()
        else:
            answer(Reply(201, request.body))

    async with site(take, limits=edge_limits()) as here:
        async with await here.connect() as idle, await here.connect() as fresh, await here.connect() as busy:
            await idle.send(post(b"x"))
            await idle.read()
            await busy.send(post(b"slow") + post(b"too late"))
            await asked.wait()
            here.edge.stop()
            assert await idle.ended()
            assert await fresh.ended()
            with pytest.raises(OSError, match="all attempts to connect"):
                await here.connect()
            assert not here.served.is_set()
            held[0](Reply(201, b"slow"))
            answer = await busy.read()
            assert (answer.body, answer.headers["connection"]) == (b"slow", "close")
            assert await busy.ended()
        with trio.fail_after(30):
            await here.served.wait()


async def test_a_head_that_has_begun_is_in_hand_when_the_edge_stops() -> None:
    async with site(limits=edge_limits()) as here, await here.connect() as client:
        await client.send(post(b"first") + post(b"x")[:20])
        await client.read()
        here.edge.stop()
        await client.send(post(b"x")[20:])
        answer = await client.read()
        assert (answer.body, answer.headers["connection"]) == (b"x", "close")


async def test_a_request_whose_bytes_are_in_the_socket_is_in_hand_when_the_edge_stops() -> None:
    async with site(limits=edge_limits()) as here, await here.connect() as client:
        await client.send(post(b"first"))
        await client.read()
        os.write(client.stream.socket.fileno(), post(b"second"))  # without a turn of the edge's task
        here.edge.stop()
        answer = await client.read()
        assert (answer.body, answer.headers["connection"]) == (b"second", "close")


async def test_a_reply_that_is_on_its_way_at_the_stop_does_not_hold_it_up() -> None:
    def take(request: Request, answer: Answer) -> None:
        answer(Reply(200, bytes(8 * 1024 * 1024)))  # more than the sockets' buffers hold

    async with site(take, limits=edge_limits(drain_s=60)) as here, await here.connect() as client:
        await client.send(post(b"x"))
        await until(lambda: here.edge.counters.requests == 1)
        here.edge.stop()
        assert len((await client.read()).body) == 8 * 1024 * 1024
        with trio.fail_after(30):
            await here.served.wait()


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


async def test_stop_cuts_what_is_left_after_its_deadline() -> None:
    def take(request: Request, answer: Answer) -> None:
        pass

    async with site(take, limits=edge_limits(drain_s=0.1)) as here, await here.connect() as client:
        await client.send(post(b"x"))
        await until(lambda: here.edge.counters.requests == 1)
        here.edge.stop()
        with trio.fail_after(30):
            await here.served.wait()
        assert await client.ended()


async def test_a_client_that_never_reads_does_not_hold_up_the_stop() -> None:
    def take(request: Request, answer: Answer) -> None:
        answer(Reply(200, bytes(64 * 1024 * 1024)))

    async with site(take, limits=edge_limits(drain_s=0.1)) as here, await here.connect() as client:
        await client.send(post(b"x"))
        await until(lambda: here.edge.counters.requests == 1)
        here.edge.stop()
        with trio.fail_after(30):
            await here.served.wait()


async def test_a_client_that_never_reads_is_cut_at_the_write_deadline() -> None:
    def take(request: Request, answer: Answer) -> None:
        answer(Reply(200, bytes(64 * 1024 * 1024)))

    async with site(take, limits=edge_limits(write_s=0.1, sweep_s=0.02)) as here, await here.connect() as client:
        await client.send(post(b"x"))
        await until(lambda: here.edge.counters.requests == 1 and not here.edge.open)


async def test_writes_of_a_handed_over_connection_have_a_deadline() -> None:
    outcome: list[type[BaseException]] = []

    async def hand_over(stream: ReplayStream) -> None:
        with pytest.raises(trio.BrokenResourceError) as caught:
            await stream.send_all(bytes(64 * 1024 * 1024))
        outcome.append(caught.type)

    limits = edge_limits(write_s=0.1)
    async with site(hand_over=hand_over, limits=limits) as here, await here.connect() as client:
        await client.send(get())
        await until(lambda: len(outcome) == 1)


Certificates = tuple[ssl.SSLContext, ssl.SSLContext]


async def test_both_servers_take_tls(certificates: Certificates) -> None:
    server, client_side = certificates
    async with site(tls=server, limits=edge_limits()) as here, await here.connect(client_side) as client:
        for byte in post(b"hello"):
            await client.send(bytes([byte]))
        assert (await client.read()).body == b"hello"
        await client.send(get())
        assert (await client.read()).body == get()
        assert await client.ended()


async def test_tls_picks_http_1_1_and_refuses_old_versions(certificates: Certificates) -> None:
    server, _ = certificates
    assert server.minimum_version is ssl.TLSVersion.TLSv1_2
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with site(tls=server) as here, await here.connect(context) as client:
        await client.stream.do_handshake()
        assert client.stream.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        b"\x16\x03\x03\xff\xff" + b"\x01" * 1000,
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x00" * 100,
        b"",
    ],
)
async def test_tls_garbage_ends_its_own_connection_only(certificates: Certificates, garbage: bytes) -> None:
    server, client_side = certificates
    with structlog.testing.capture_logs() as logs:
        async with site(tls=server) as here:
            async with await here.connect() as client:
                await client.send(garbage)
                with trio.fail_after(30):
                    try:
                        while await client.stream.receive_some():
                            pass
                    except trio.BrokenResourceError:
                        pass
            assert await here.answers(client_side)
            assert here.edge.counters.failed == 0
    assert logs == []


@pytest.mark.parametrize("fault", FAULTS[:12], ids=lambda fault: fault.name)
async def test_faults_are_refused_over_tls_too(certificates: Certificates, fault: Fault) -> None:
    server, client_side = certificates
    async with site(tls=server) as here:
        async with await here.connect(client_side) as client:
            await client.send(post(b"first") + fault.data)
            assert (await client.read()).status == 201
            assert (await client.read()).status == fault.status
            assert await client.ended()
        assert await here.answers(client_side)


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
