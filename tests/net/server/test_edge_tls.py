"""The edge over TLS."""

from __future__ import annotations

import ssl

import pytest
import structlog
import trio
from edge_site import post, site
from net_limits import edge_limits
from raw_http import FAULTS, Fault, get

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
