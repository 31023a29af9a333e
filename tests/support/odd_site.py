"""A daemon with a key of each kind, for the odd requests of odd_requests: they name keys that it has."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daemon_process import RunningDaemon, running_daemon

from evd.net.client import control_socket

TO_QUART = b"HEAD /online HTTP/1.1\r\nHost: x\r\n\r\n"
"""After it, a connection is hypercorn's and quart's to its end."""

IMPORTED = "a key that came along"


@dataclass(frozen=True)
class Site:
    port: int
    keys: dict[str, str]
    database: Path

    def filled(self, data: bytes) -> bytes:
        """`data` with the keys in place of their names."""

        def key(match: re.Match[bytes]) -> bytes:
            text = self.keys[match[2].decode()]
            return base64.b64encode(f"user:{text}".encode()) if match[1] else text.encode()

        return re.sub(rb"@(basic )?([a-z]+)@", key, data)


def made_key(daemon: RunningDaemon, **wish: str) -> dict[str, str]:
    key: dict[str, str] = control_socket.call(daemon.directory / "evd.sock", "POST", "/keys", wish)
    return key


@contextmanager
def odd_site(directory: Path) -> Iterator[Site]:
    # Long enough that a busy machine's pauses are not taken for silence.
    settings = {"EVD_SERVER__HEAD_TIMEOUT_S": "0.5", "EVD_SERVER__BODY_TIMEOUT_S": "0.5"}
    with running_daemon(directory, env=settings) as daemon:
        revoked = made_key(daemon, role="sigfox")
        control_socket.call(daemon.directory / "evd.sock", "DELETE", f"/keys/{revoked['id']}")
        bound = made_key(daemon, role="device", vehicle="386625")
        made_key(daemon, role="sigfox", secret=IMPORTED)
        keys = {**daemon.keys, "revoked": revoked["key"], "bound": bound["key"], "imported": IMPORTED}
        yield Site(int(daemon.url.rpartition(":")[2]), keys, daemon.database)
        faults = [line for line in daemon.logs.lines if '"error"' in line and '"event": "alarm"' not in line]
        assert not faults, "no request is the server's fault"
