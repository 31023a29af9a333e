"""hypercorn's protocol as the guard needs it: who asks, responses without an end, and none that is due twice."""

from __future__ import annotations

import orjson
import pytest
import trio
from asgi_site import call, site
from raw_http import get, until


async def test_a_fault_waits_for_the_response_that_is_due_before_it() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(call(b"/slow"))
        await here.web.asked.wait()
        await client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        here.web.go_on.set()
        assert (await client.read()).body == b"slow"
        assert (await client.read()).status == 400
        assert await client.ended()


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


async def test_no_server_name_is_shown_and_head_has_no_body() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(get().replace(b"GET", b"HEAD"))
        answer = await client.read(head_only=True)
        assert answer.headers["content-length"] == "4"
        assert "server" not in answer.headers
        await client.send(get(b"Connection: close"))
        assert (await client.read()).body == b"home"
        assert await client.ended()


async def test_the_application_knows_who_asks() -> None:
    async with site() as here, await here.connect() as client:
        await client.send(call(b"/who"))
        assert orjson.loads((await client.read()).body) == {"local": False, "peer": "127.0.0.1", "scheme": "http"}


@pytest.mark.parametrize(("proxies", "whose"), [((), "127.0.0.1"), (("127.0.0.0/8",), "192.0.2.9")])
@pytest.mark.parametrize("header", ["Forwarded: for=192.0.2.9", "X-Forwarded-For: 192.0.2.9"])
async def test_the_application_finds_the_address_that_a_listed_proxy_names_for_each_request(
    header: str, proxies: tuple[str, ...], whose: str
) -> None:
    async with site(proxies=proxies) as here, await here.connect() as client:
        for said, expected in ((header.encode(), whose), (b"X-Other: 1", "127.0.0.1"), (header.encode(), whose)):
            await client.send(b"GET /who HTTP/1.1\r\nHost: x\r\n" + said + b"\r\n\r\n")
            assert orjson.loads((await client.read()).body)["peer"] == expected
