"""A daemon that pushes to webhooks, and requests to their routes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from daemon_process import RunningDaemon, running_daemon

SECRET = "whsec_" + base64.b64encode(b"thirty-two bytes, as it is told!").decode()

WEBHOOKS = "/api/v1/webhooks"


def ask(
    daemon: RunningDaemon, method: str, body: Any = None, *, role: str = "admin", query: str = ""
) -> httpx.Response:
    headers = {"x-api-key": daemon.keys[role], "userId": "anna"}
    return httpx.request(method, f"{daemon.url}{WEBHOOKS}{query}", headers=headers, json=body)


@contextmanager
def webhook_daemon(directory: Path) -> Iterator[RunningDaemon]:
    """No provider of phones is set up: webhooks alone are a reason to push."""
    with running_daemon(directory, settings=f'[push]\nwebhook_secret = "{SECRET}"\n') as one:
        yield one
