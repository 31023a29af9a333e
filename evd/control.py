"""How a command reaches the running daemon: /api/v1 over `DIR/evd.sock`, whose permissions are its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from evd.errors import ControlError
from evd.place import SOCKET_PATH_MAX

TIMEOUT_S = 30.0


class NobodyThere(ControlError):
    """No daemon listens at the socket."""


def call(socket: Path, method: str, path: str, body: Any = None) -> Any:
    """One request; the JSON of its answer.

    Raises NobodyThere, or ControlError with the daemon's own sentence.
    """
    if not socket.exists() or len(bytes(socket)) > SOCKET_PATH_MAX:
        raise NobodyThere(f"no evd listens at {socket}")
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), timeout=TIMEOUT_S) as client:
            answer = client.request(method, f"http://evd/api/v1{path}", json=body)
    except httpx.ConnectError:
        raise NobodyThere(f"no evd listens at {socket}") from None
    except httpx.HTTPError as error:
        raise ControlError(f"the evd at {socket} did not answer ({type(error).__name__}): look at its log") from None
    document = answer.json()
    if answer.is_error:
        raise ControlError(str(document.get("detail", document)))
    return document
