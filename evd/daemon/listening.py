"""The sockets that evd listens at: addresses of `server.bind`, the control socket, and TLS."""

from __future__ import annotations

import hashlib
import socket as sockets
import ssl
from pathlib import Path
from typing import Any, NamedTuple

import trio

from evd.config.data_dir import SOCKET_PATH_MAX
from evd.config.settings import ServerSettings
from evd.daemon.host import certificate_end
from evd.errors import CannotListen, ConfigError
from evd.log.logger import log
from evd.net.socket import tls_context

BACKLOG = 1024
"""Connections that the kernel queues until they are accepted: a burst of Sigfox's."""


def parse_bind(text: str) -> tuple[str | None, int]:
    """`HOST:PORT`, `[IPv6]:PORT` or `:PORT` (all addresses). Raises ConfigError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"{text!r} is not an address to listen at: use HOST:PORT, for instance 127.0.0.1:8080")
    return host.strip("[]") or None, int(port)


async def listeners(bind: str) -> list[trio.SocketListener]:
    """Listeners at all addresses of `bind`. Raises ConfigError, CannotListen."""
    host, port = parse_bind(bind)
    try:
        return await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)
    except PermissionError:
        raise ConfigError(
            f"cannot listen at {bind}: ports below 1024 are root's; give evd CAP_NET_BIND_SERVICE, let evd.socket "
            "hold the port, or choose a higher one"
        ) from None
    except OSError as error:  # it may be free later, so this is no wrong setting
        raise CannotListen(f"cannot listen at {bind} ({error.strerror or error}): is it in use?") from None


def shown(address: Any) -> str:
    """As text: `127.0.0.1:8080`, `[::1]:8080`."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def control_listener(path: Path) -> trio.SocketListener | None:
    """The control socket: the API for every process that may open the file; None if its path is too long.

    Raises ConfigError.
    """
    if len(bytes(path)) > SOCKET_PATH_MAX:
        log.warning("no control socket: the directory's path is too long", path=str(path), bytes_max=SOCKET_PATH_MAX)
        return None
    raw = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)  # this process holds the lock, so the process that made the file has ended
        raw.bind(str(path))
        path.chmod(0o600)
    except OSError as error:
        raw.close()
        raise ConfigError(
            f"the control socket {path} cannot be created ({error.strerror}): remove what is there, or check who owns "
            "the directory"
        ) from None
    raw.listen(16)
    return trio.SocketListener(trio.socket.from_stdlib_socket(raw))


class Certificate(NamedTuple):
    """A certificate as read from its file: what shows it, its end (epoch s), and the file's SHA-256."""

    context: ssl.SSLContext
    ends_s: float
    digest: bytes


def server_tls(server: ServerSettings) -> Certificate | None:
    """None without a certificate. Raises ConfigError."""
    if not server.tls_cert:
        return None
    certificate = Path(server.tls_cert)
    try:
        return Certificate(
            tls_context(certificate, Path(server.tls_key)),
            certificate_end(certificate),
            hashlib.sha256(certificate.read_bytes()).digest(),
        )
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigError(
            f"server.tls_cert and server.tls_key cannot be used ({error}): they must be a PEM chain and its key"
        ) from None
