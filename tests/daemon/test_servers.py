"""The sockets of a daemon: from their opening to their end, and the certificate that new connections are shown."""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import trio
from daemon_parts import BuildParts
from structlog.testing import capture_logs

from evd.daemon import wiring
from evd.daemon.listening import Certificate
from evd.daemon.servers import Servers
from evd.errors import CannotListen, ConfigError
from evd.net.server.asgi import AsgiServer
from evd.net.socket import ServedTls


class NoApi:
    """In the API's place: nothing is handed over in these tests."""

    def __init__(self) -> None:
        self.stopped = False

    async def hand_over(self, *_: Any, **__: Any) -> None:
        raise AssertionError("handed over")

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def control() -> Iterator[Path]:
    """Where the control socket is to be; its path is short enough, wherever pytest's own folder is."""
    with tempfile.TemporaryDirectory(prefix="evd-") as folder:
        yield Path(folder) / "evd.sock"


def servers_of(parts_of: BuildParts, control: Path, **settings: Any) -> Servers:
    return Servers(parts_of(**settings), cast("AsgiServer", NoApi()), control)


def is_there(control: Path) -> bool:
    return control.is_socket()


async def refusal_at(address: str) -> int:
    """What a callback without a key is answered."""
    async with httpx.AsyncClient() as client:
        return (await client.post(f"http://{address}/sigfox/uplink", content=b"{}")).status_code


async def test_each_address_is_served_until_the_end_and_the_control_socket_goes_with_it(
    parts_of: BuildParts, control: Path
) -> None:
    servers = servers_of(parts_of, control)
    async with trio.open_nursery() as nursery:
        addresses = await servers.listen(nursery, ["127.0.0.1:0", "127.0.0.1:0"], ())
        assert len(set(addresses)) == 2
        assert [await refusal_at(one) for one in addresses] == [401, 401]
        assert is_there(control)
        servers.stop()
        with trio.fail_after(20):
            await servers.stopped()
        for address in addresses:
            with pytest.raises(httpx.ConnectError):
                await refusal_at(address)
        nursery.cancel_scope.cancel()
    assert not is_there(control)


async def test_systemds_sockets_replace_the_addresses_of_the_settings(parts_of: BuildParts, control: Path) -> None:
    servers = servers_of(parts_of, control)
    passed = socket.create_server(("127.0.0.1", 0))
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            addresses = await servers.listen(nursery, ["256.0.0.1:80"], [passed])
            host, port = passed.getsockname()
            assert addresses == [f"{host}:{port}"]
            assert await refusal_at(addresses[0]) == 401
            nursery.cancel_scope.cancel()
    assert [line["unused"] for line in logs if "sockets" in line] == [["256.0.0.1:80"]]


@pytest.mark.parametrize(
    ("settings", "taken", "error"),
    [({}, True, CannotListen), ({"server": {"tls_cert": "/no.pem", "tls_key": "/no.key"}}, False, ConfigError)],
)
async def test_what_cannot_be_opened_leaves_nothing_open(
    settings: dict[str, Any], taken: bool, error: type[Exception], parts_of: BuildParts, control: Path
) -> None:
    servers = servers_of(parts_of, control, **settings)
    with socket.create_server(("127.0.0.1", 0)) as other:
        bind = f"127.0.0.1:{other.getsockname()[1] if taken else 0}"
        with pytest.RaisesGroup(error):
            async with trio.open_nursery() as nursery:
                await servers.listen(nursery, [bind], ())
    assert not is_there(control)


def test_a_certificate_is_shown_where_there_was_one_and_another_one_is_a_renewal(
    parts_of: BuildParts, control: Path
) -> None:
    old, same, new = (
        Certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), 0.0, digest) for digest in (b"a", b"a", b"b")
    )
    servers = servers_of(parts_of, control)
    assert servers.show(new) is False, "evd serves no TLS: that needs a restart"
    servers.certificate, servers._tls = old, ServedTls(old.context)
    for shown, renewed in ((same, False), (new, True), (None, False)):
        assert servers.show(shown) is renewed
        if shown is not None:
            assert (servers.certificate, servers._tls.context) == (shown, shown.context)


async def test_new_limits_hold_for_each_address(parts_of: BuildParts, control: Path) -> None:
    parts = parts_of()
    servers = Servers(parts, cast("AsgiServer", NoApi()), control)
    async with trio.open_nursery() as nursery:
        await servers.listen(nursery, ["127.0.0.1:0", "127.0.0.1:0"], ())
        limits = wiring.edge_limits(parts.config)
        servers.use(limits)
        assert [edge.limits is limits for edge in servers._edges] == [True, True]
        nursery.cancel_scope.cancel()
