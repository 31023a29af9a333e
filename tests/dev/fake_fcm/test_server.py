"""The fake FCM's server over real sockets."""

from __future__ import annotations

import json
import ssl
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from fcm_message import SEND, STATUSES, http_client, message

from evd.dev.fake_fcm.server import REQUEST_MAX, FakeFcm
from evd.errors import HttpBroken, HttpTimeout
from evd.net.client.http import HttpClient
from evd.net.client.response import Response


async def start(nursery: trio.Nursery, **arguments: Any) -> FakeFcm:
    server = FakeFcm(**arguments)
    await nursery.start(server.serve)
    server.google.issue("good", time.time() + 3600)
    return server


async def send(client: HttpClient, server: FakeFcm, token: str) -> Response:
    body = json.dumps({"message": message(token)}).encode()
    return await client.request("POST", server.url + SEND.decode(), {"Authorization": "Bearer good"}, body)


async def test_messages_travel_over_kept_connections(nursery: trio.Nursery) -> None:
    server = await start(nursery)
    async with http_client() as client:
        connections = set()
        for number in range(5):
            assert (await send(client, server, f"phone-{number}")).status == 200
            connections |= set(server._clients.values())
        assert len(connections) == 1
    assert [request["message"]["token"] for request in server.sends] == [f"phone-{n}" for n in range(5)]


async def test_every_behaviour_is_what_a_client_sees(nursery: trio.Nursery) -> None:
    server = await start(nursery)
    async with http_client() as client:
        for prefix, (status, _) in STATUSES.items():
            assert (await send(client, server, f"{prefix}-1")).status == status
        assert (await send(client, server, "quota-1")).headers["retry-after"] == "2"
        with pytest.raises(HttpBroken):
            await send(client, server, "reset-1")
        started = trio.current_time()
        assert (await send(client, server, "slow0.1-x")).status == 200
        assert trio.current_time() - started >= 0.1
    async with http_client(timeout_s=0.1) as hasty:
        with pytest.raises(HttpTimeout):
            await send(hasty, server, "hang-1")
    assert [request["status"] for request in server.sends][-3:] == [0, 200, 0]


async def test_a_reset_is_a_reset_and_no_mere_end(nursery: trio.Nursery) -> None:
    server = await start(nursery)
    body = json.dumps({"message": message("reset-1")})
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        await stream.send_all(
            f"POST {SEND.decode()} HTTP/1.1\r\nAuthorization: Bearer good\r\nContent-Length: {len(body)}\r\n\r\n"
            f"{body}".encode()
        )
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some()


async def raw(server: FakeFcm, data: bytes) -> bytes:
    answer = b""
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        await stream.send_all(data)
        with trio.fail_after(30):
            async for part in stream:
                answer += part
    return answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"SSH-2.0-x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 404),
        (b"POST /token HTTP/1.1\r\nContent-Length: 99999\r\n\r\n" + b"x" * (REQUEST_MAX + 1), 413),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * (REQUEST_MAX + 1), 413),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 404),
    ],
)
async def test_what_is_no_request_is_answered_and_the_connection_closed(
    data: bytes, status: int, nursery: trio.Nursery
) -> None:
    server = await start(nursery)
    assert (await raw(server, data)).split()[1] == str(status).encode()
    async with http_client() as client:
        assert (await send(client, server, "phone")).status == 200


async def test_requests_sent_without_waiting_are_answered_in_order(nursery: trio.Nursery) -> None:
    server = await start(nursery)
    get = b"GET /%d HTTP/1.1\r\n\r\n"
    answer = await raw(server, get % 1 + get % 2 + b"GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 404") == 3


async def test_each_request_is_in_the_record_at_once(nursery: trio.Nursery, tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    record.write_text('{"older": true}\n')
    server = await start(nursery, record=record)
    async with http_client() as client:
        for number in (1, 2):
            await send(client, server, "phone")
            while record.read_text().count("\n") <= number:  # behind what was there before
                await trio.sleep(0.001)
            lines = [json.loads(line) for line in record.read_text().splitlines()]
            assert lines == [{"older": True}, *server.requests]
            assert len(lines) == 1 + number
    assert set(lines[-1]) == {"at", "kind", "project", "message", "status"}
    assert "good" not in record.read_text()


async def test_only_the_newest_requests_are_held_in_memory(nursery: trio.Nursery) -> None:
    server = await start(nursery, requests_max=3)
    async with http_client() as client:
        for number in range(5):
            await send(client, server, f"phone-{number}")
    assert [request["message"]["token"] for request in server.requests] == ["phone-2", "phone-3", "phone-4"]


async def test_what_is_not_yet_written_is_written_at_the_end() -> None:
    record = BytesIO()
    async with trio.open_nursery() as nursery:
        server = await start(nursery, record=record)
        async with http_client() as client:
            for number in range(5):
                await send(client, server, f"phone-{number}")
        nursery.cancel_scope.cancel()
    assert record.getvalue().count(b"\n") == 5


async def test_more_connections_than_allowed_are_closed(nursery: trio.Nursery) -> None:
    server = await start(nursery, connections_max=1)
    async with http_client() as first:
        await send(first, server, "phone")
        async with http_client() as second:
            with pytest.raises(HttpBroken):
                await send(second, server, "phone")
        assert (await send(first, server, "phone")).status == 200


async def test_a_connection_without_requests_is_let_go(nursery: trio.Nursery) -> None:
    server = await start(nursery, idle_max_s=0.05)
    assert await raw(server, b"POST /token HTTP/1.1\r\n") == b""
    async with http_client() as client:
        assert (await send(client, server, "slow0.1-x")).status == 200


async def test_it_speaks_tls(nursery: trio.Nursery) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = await start(nursery, ssl_context=context)
    client_context = ssl.create_default_context()
    authority.configure_trust(client_context)
    assert server.token_uri.startswith("https://127.0.0.1:")
    async with http_client(ssl_context=client_context) as client:
        assert (await send(client, server, "phone")).status == 200
        assert b"HTTP" not in await raw(server, b"GET / HTTP/1.1\r\n\r\n")
        assert (await send(client, server, "phone")).status == 200
