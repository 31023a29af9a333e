"""The HTTP client over TLS."""

from __future__ import annotations

import ssl

import pytest
import trio
import trustme
from told_server import OK, Asker, forever, listen

from evd.errors import HttpBroken
from evd.net.client.transport import default_ssl_context


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
