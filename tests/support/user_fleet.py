"""A fleet with a long history, and who asks about it."""

from __future__ import annotations

from typing import Any

import httpx
from daemon_process import RunningDaemon

SETTINGS = "[app]\ntrust_user_header = true\nuser_requests_at_once = 1000\n"
MINUTE = 60_000
STATUSES = 450
"""More than two pages of a stream."""


def fields(number: int) -> dict[str, Any]:
    return {"state": 1, "current_charge": number % 100, "range": number, "hatch": {"open": True}, "load": number + 0.5}


class User(httpx.Client):
    """A user of the app, or an administrator."""

    def __init__(self, daemon: RunningDaemon, name: str | None) -> None:
        headers = {"x-api-key": daemon.keys["app"], "userId": name} if name else {"x-api-key": daemon.keys["admin"]}
        super().__init__(base_url=f"{daemon.url}/api/v1", headers=headers)


def pages(client: httpx.Client, path: str) -> list[list[Any]]:
    """All pages of a list, by their Links."""
    found = []
    following: str | None = path
    while following:
        answer = client.get(following)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        link = answer.links.get("next", {}).get("url")
        following = link and link.removeprefix("/api/v1")
    return found
