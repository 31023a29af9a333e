"""Connections to a push provider, against servers on real sockets that do as the test says."""

from __future__ import annotations

import ssl

import pytest
import trio
import trustme
from push_server import OK, REQUEST, Server, answer, answer_with, connected, post_many, read, serving

from evd.errors import ConfigError, HttpBroken, HttpError, HttpTimeout
from evd.net.client.push_pool import CONNECTING_MAX, EAGER, PATIENCE_S, PushPool


async def test_requests_one_by_one_share_one_connection() -> None:
    async with serving(answer) as server, connected(server) as transport:
        for number in range(20):
            await transport.post(REQUEST % number)
        assert server.accepted == 1


@pytest.mark.parametrize("connections_max", [1, 3])
async def test_there_are_never_more_connections_than_allowed(connections_max: int) -> None:
    async with serving(answer) as server, connected(server, connections_max=connections_max) as transport:
        assert len(await post_many(transport, 50)) == 50
        assert server.accepted == connections_max


async def test_where_answers_come_quickly_a_few_connections_do() -> None:
    async with serving(answer) as server, connected(server, connections_max=200) as transport:
        assert len(await post_many(transport, 150)) == 150
        assert server.accepted < 75, "a slow machine may need some more than EAGER"


async def test_where_answers_are_slow_every_request_gets_its_connection() -> None:
    """And handshakes do not all start at once."""
    count = EAGER + 2 * CONNECTING_MAX
    everyone = trio.Event()

    async def serve(stream: trio.SocketStream, number: int) -> None:
        await read(stream)
        if number == count - 1:
            everyone.set()
        await everyone.wait()
        await stream.send_all(OK)

    async with serving(serve) as server, connected(server, connections_max=200) as transport:
        assert len(await post_many(transport, count)) == count
        assert server.accepted == count


async def test_a_request_into_a_connection_that_was_just_closed_is_sent_again_once() -> None:
    async def serve(stream: trio.SocketStream, number: int) -> None:
        if number == 0:
            await read(stream)
            await stream.send_all(OK)
        await read(stream)
        if number == 1:
            await stream.send_all(OK)

    async with serving(serve) as server, connected(server, connections_max=1) as transport:
        assert (await transport.post(REQUEST % 1)).body == b"OK"
        assert (await transport.post(REQUEST % 2)).body == b"OK"
        assert server.accepted == 2
        with pytest.raises(HttpBroken, match="without an answer"):
            await transport.post(REQUEST % 3)
        assert server.accepted == 3


async def test_a_request_into_a_new_connection_is_never_sent_again() -> None:
    async with serving(answer_with(b"")) as server, connected(server) as transport:
        with pytest.raises(HttpBroken):
            await transport.post(REQUEST % 1)
        assert server.accepted == 1


async def test_an_idle_connection_is_let_go() -> None:
    async with serving(answer) as server, connected(server, timeout_s=0.05, idle_max_s=0.01) as transport:
        await transport.post(REQUEST % 1)
        while server.open:
            await trio.sleep(0.001)
        assert transport.open == 0
        await transport.post(REQUEST % 1)
        assert server.accepted == 2


async def test_what_the_other_side_closes_is_closed_here() -> None:
    async with serving(answer_with(OK)) as server, connected(server) as transport:
        await transport.post(REQUEST % 1)
        while transport.open:
            await trio.sleep(0.001)


async def test_a_request_larger_than_the_sockets_buffers_is_sent_in_parts() -> None:
    size = 8_000_000

    async def serve(stream: trio.SocketStream, number: int) -> None:
        left = size
        while left:
            left -= len(await stream.receive_some())
        await stream.send_all(OK)

    async with serving(serve) as server, connected(server) as transport:
        assert (await transport.post(b"x" * size)).body == b"OK"


async def test_no_request_outlasts_its_deadline_whether_it_waits_for_an_answer_or_for_a_connection() -> None:
    async def serve(stream: trio.SocketStream, number: int) -> None:
        await trio.sleep_forever()

    late = 0
    async with serving(serve) as server, connected(server, connections_max=2, timeout_s=0.1) as transport:

        async def post() -> None:
            nonlocal late
            with pytest.raises(HttpTimeout, match=r"did not answer within 0\.1 s"):
                await transport.post(REQUEST % 1)
            late += 1

        started = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(post)
        assert trio.current_time() - started < 2.5, "one after another, two at a time, take five"
        assert (late, transport.open) == (100, 0)


class Steps(trio.abc.Instrument):
    """Counts how often any task has run."""

    count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += 1


async def test_nothing_runs_while_all_wait() -> None:
    async def serve(stream: trio.SocketStream, number: int) -> None:
        await trio.sleep_forever()

    async with serving(serve) as server, connected(server, connections_max=2, timeout_s=20) as transport:
        async with trio.open_nursery() as nursery:
            for _ in range(6):
                nursery.start_soon(transport.post, REQUEST % 1)
            await trio.sleep(2 * PATIENCE_S)
            steps = Steps()
            trio.lowlevel.add_instrument(steps)
            await trio.sleep(2 * PATIENCE_S)
            trio.lowlevel.remove_instrument(steps)
            nursery.cancel_scope.cancel()
        assert steps.count < 10


async def test_a_cancelled_request_closes_its_connection_and_leaves_room_for_another() -> None:
    async def serve(stream: trio.SocketStream, number: int) -> None:
        if number:
            await answer(stream, number)
        await trio.sleep_forever()

    async with serving(serve) as server, connected(server, connections_max=1) as transport:
        async with trio.open_nursery() as nursery:
            for _ in range(3):  # one has the connection, the others wait for it
                nursery.start_soon(transport.post, REQUEST % 1)
            while not transport.open:
                await trio.sleep(0.001)
            nursery.cancel_scope.cancel()
        assert transport.open == 0
        assert len(await post_many(transport, 5)) == 5


async def test_closing_ends_what_is_under_way() -> None:
    async def serve(stream: trio.SocketStream, number: int) -> None:
        await trio.sleep_forever()

    ended = 0
    async with serving(serve) as server, connected(server, connections_max=1) as transport:

        async def post() -> None:
            nonlocal ended
            with pytest.raises(HttpError, match="are closed"):
                await transport.post(REQUEST % 1)
            ended += 1

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(post)
            while not transport.open:
                await trio.sleep(0.001)
            await transport.aclose()
        await post()
        assert (ended, transport.open) == (4, 0)


async def test_nobody_there_is_one_sentence_for_all_who_ask() -> None:
    server = Server()
    server.url = "http://127.0.0.1:1"
    async with connected(server, connections_max=1) as transport:
        for _ in range(3):
            with pytest.raises(HttpBroken, match=r"^Cannot connect to http://127\.0\.0\.1:1: "):
                await transport.post(REQUEST % 1)


def test_a_wrong_address_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="is no base address"):
        PushPool("fcm.googleapis.com", connections_max=1, timeout_s=1, body_max=1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


def tls_of(authority: trustme.CA, name: str, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.maximum_version = version
    authority.issue_cert(name, key_type=trustme.KeyType.ECDSA).configure_cert(context)
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_it_speaks_tls(version: ssl.TLSVersion, authority: trustme.CA) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with (
        serving(answer, tls_of(authority, "127.0.0.1", version)) as server,
        connected(server, ssl_context=trusting) as transport,
    ):
        assert len(await post_many(transport, 20)) == 20


@pytest.mark.parametrize(("name", "trusted"), [("127.0.0.1", False), ("192.0.2.1", True)])
async def test_a_certificate_of_nobody_known_or_of_another_name_is_refused(
    name: str, trusted: bool, authority: trustme.CA
) -> None:
    context = ssl.create_default_context()
    if trusted:
        authority.configure_trust(context)
    async with (
        serving(answer, tls_of(authority, name, ssl.TLSVersion.TLSv1_3)) as server,
        connected(server, ssl_context=context) as transport,
    ):
        with pytest.raises(HttpBroken, match=r"No TLS connection to .*certificate"):
            await transport.post(REQUEST % 1)
        assert transport.open == 0
