"""Requests of commands to the running daemon: /api/v1 on `DIR/evd.sock`, whose file permissions replace a key."""

from __future__ import annotations

import http.client
import json
import re
import socket as sockets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evd.config.data_dir import SOCKET_PATH_MAX, as_root
from evd.errors import ControlError, NoDaemon

TIMEOUT_S = 30.0
"""A command waits behind the callbacks of a burst, which are answered within 8 s."""


class DaemonNotRunning(NoDaemon):
    """No daemon listens at the socket."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("evd", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def call(socket: Path, method: str, path: str, body: Any = None) -> Any:
    """Send one request and return the JSON of its answer.

    Raises DaemonNotRunning, or ControlError with the daemon's own sentence.
    """
    with _asked(socket, method, path, json.dumps(body), {"content-type": "application/json"}) as answer:
        return _document(answer)


def send_file(socket: Path, path: str, content: bytes) -> Any:
    """PUT a file and return the JSON of the answer. Raises as `call` does."""
    with _asked(socket, "PUT", path, content, {"content-type": "application/octet-stream"}) as answer:
        return _document(answer)


def fetch_file(socket: Path, path: str) -> bytes:
    """The body of the answer to a GET. Raises as `call` does."""
    with _asked(socket, "GET", path, None, {}) as answer:
        if answer.status >= 400:
            _document(answer)
        return answer.read()


def page(socket: Path, path: str) -> tuple[Any, str | None]:
    """The JSON of a list's page, and the path of the next page. Raises as `call` does."""
    with _asked(socket, "GET", path, None, {}) as answer:
        document = _document(answer)
        link = _NEXT.search(answer.getheader("link", ""))
    return document, link[1] if link else None


_NEXT = re.compile(r'</api/v1([^>]*)>; rel="next"')


def lines(socket: Path, path: str, headers: Mapping[str, str]) -> Iterator[str]:
    """The lines of a streamed answer, without line ends, until it ends or nothing comes for TIMEOUT_S.

    Raises as `call` does; ControlError also if the stream breaks off.
    """
    with _asked(socket, "GET", path, None, headers) as answer:
        if answer.status >= 400:
            _document(answer)
        while line := answer.readline():
            yield line.decode("utf-8", "replace").rstrip("\n")


def metrics(socket: Path) -> str:
    """What Prometheus would read. Raises as `call` does."""
    with _asked(socket, "GET", "/metrics", None, {}, below="") as answer:
        return answer.read().decode()


@contextmanager
def _asked(
    socket: Path,
    method: str,
    path: str,
    body: str | bytes | None,
    headers: Mapping[str, str],
    *,
    below: str = "/api/v1",
) -> Iterator[http.client.HTTPResponse]:
    """The answer to a request, to be read in the context; raises as `call` does."""
    if not socket.exists() or len(bytes(socket)) > SOCKET_PATH_MAX:
        raise DaemonNotRunning(f"no evd listens at {socket}")
    connection = _UnixConnection(socket)
    try:
        connection.request(method, f"{below}{path}", body, headers)
        yield connection.getresponse()
    except ConnectionRefusedError:
        raise DaemonNotRunning(f"no evd listens at {socket}") from None
    except PermissionError:
        raise ControlError(f"{socket} is not yours to use: run `{as_root()}`") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoDaemon(f"the evd at {socket} did not answer ({type(error).__name__}): look at its log") from None
    finally:
        connection.close()


def _document(answer: http.client.HTTPResponse) -> Any:
    document = json.loads(answer.read())
    if answer.status >= 400:
        raise ControlError(str(document.get("detail", document)))
    return document
