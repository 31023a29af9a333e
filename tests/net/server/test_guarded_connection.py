"""A Quart application behind edge and ASGI server: what ends an unguarded hypercorn is refused, at every request."""

from __future__ import annotations

import orjson
import pytest
import structlog
import trio
from asgi_site import INGEST, call, site
from net_limits import asgi_limits
from raw_http import FAULTS, Fault, get, until

from evd.net.server.http1_body import Allowance

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


async def test_a_client_that_goes_away_ends_its_request() -> None:
    async with site(asgi_limits(answer_s=0.1)) as here:
        async with await here.connect() as client:
            await client.send(call(b"/slow"))
            await here.web.asked.wait()
        await until(lambda: not here.asgi_server.open)
        assert await here.answers()


@pytest.mark.parametrize("path", [b"/huge", b"/huge-head", b"/endless"])
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
