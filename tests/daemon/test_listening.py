"""What evd listens at: addresses, the control socket, and the certificate."""

from __future__ import annotations

import hashlib
import socket
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme

from evd.config.data_dir import SOCKET_PATH_MAX
from evd.config.settings import ServerSettings
from evd.daemon import listening
from evd.daemon.listening import parse_bind, server_tls
from evd.errors import CannotListen, ConfigError


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:8080", "127.0.0.1", 8080), ("[::1]:80", "::1", 80), (":9", None, 9), ("localhost:0", "localhost", 0)],
)
def test_addresses_to_listen_at(text: str, host: str | None, port: int) -> None:
    assert parse_bind(text) == (host, port)


@pytest.mark.parametrize("text", ["8080", "host:", "host:x", "host:70000", ""])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="HOST:PORT"):
        parse_bind(text)


@pytest.mark.parametrize(
    ("address", "text"),
    [(("127.0.0.1", 8080), "127.0.0.1:8080"), (("::1", 80, 0, 0), "[::1]:80")],
)
def test_an_address_is_shown_as_it_is_written(address: Any, text: str) -> None:
    assert listening.shown(address) == text
    assert parse_bind(text) == address[:2]


async def test_a_port_in_use_may_be_free_later_and_is_no_wrong_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CannotListen, match=f"cannot listen at {bind}"):
            await listening.listeners(bind)


async def test_a_port_of_roots_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(trio, "open_tcp_listeners", refused)  # tests may run as root
    with pytest.raises(ConfigError, match="CAP_NET_BIND_SERVICE"):
        await listening.listeners(":80")


# ---- the control socket ----


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name, wherever pytest's own folder is."""
    with tempfile.TemporaryDirectory(prefix="evd-") as folder:
        yield Path(folder)


async def test_a_control_socket_takes_the_place_of_a_dead_one_and_is_its_owners_alone(short: Path) -> None:
    path = short / "evd.sock"
    path.touch()
    listener = listening.control_listener(path)
    assert listener is not None
    with listener.socket:
        assert (path.is_socket(), path.stat().st_mode & 0o777) == (True, 0o600)
        async with await trio.open_unix_socket(path):
            pass


async def test_a_path_that_no_socket_can_have_costs_the_control_socket_only(short: Path) -> None:
    assert listening.control_listener(short / ("x" * SOCKET_PATH_MAX)) is None


async def test_what_stands_where_the_control_socket_belongs_is_named(short: Path) -> None:
    (short / "evd.sock").mkdir()
    with pytest.raises(ConfigError, match=r"evd\.sock cannot be created .*: remove what is there"):
        listening.control_listener(short / "evd.sock")


# ---- the certificate ----


def test_without_a_certificate_there_is_no_tls() -> None:
    assert server_tls(ServerSettings()) is None


def test_a_certificate_is_read_with_its_end_and_the_digest_of_its_file(tmp_path: Path) -> None:
    ends = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=30)  # noqa: UP017
    made = trustme.CA().issue_cert("evd.example.org", not_after=ends)
    made.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    found = server_tls(ServerSettings(tls_cert=str(tmp_path / "both.pem"), tls_key=str(tmp_path / "both.pem")))
    # The first certificate of a file counts, wherever a key stands before it.
    assert found is not None
    assert found.ends_s == ends.timestamp()
    assert found.digest == hashlib.sha256((tmp_path / "both.pem").read_bytes()).digest()


@pytest.mark.parametrize("key", ["no certificate at all", None])
def test_a_certificate_that_cannot_be_used_is_a_wrong_setting(key: str | None, tmp_path: Path) -> None:
    if key is not None:
        (tmp_path / "x.pem").write_text(key)
    with pytest.raises(ConfigError, match=r"server\.tls_cert and server\.tls_key cannot be used"):
        server_tls(ServerSettings(tls_cert=str(tmp_path / "x.pem"), tls_key=str(tmp_path / "x.pem")))
