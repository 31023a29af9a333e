"""Sigfox's side of a running evd: callbacks over a kept connection, and a look at what stands in the database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from daemon_process import RunningDaemon, running_daemon

from evd.store.sqlite.connection import open_reader

ANSWER_S = 10
"""Sigfox waits no longer for an answer, and then delivers again."""

_KEPT = (
    *("statuses", "radio_waiting", "frames", "past_days", "notes", "modems", "downlinks"),
    *("(SELECT vehicle, kept, newest FROM vehicles)", "(SELECT number, route, error, body FROM rejected)"),
)
"""All that a callback can write, but for how often and when a refused one came."""


@dataclass
class Network:
    """Callbacks are sent to their route's name below /sigfox/."""

    daemon: RunningDaemon
    client: httpx.Client
    database: Any

    def send(
        self, route: str, body: str, content_type: str = "", *, method: str = "POST", query: str = ""
    ) -> httpx.Response:
        """A callback as its template was written."""
        return self.client.request(
            method,
            f"/sigfox/{route}{'?' if query else ''}{query}",
            content=body.encode(),
            headers={"content-type": content_type} if content_type else {},
        )

    def say(self, route: str, variables: Mapping[str, Any]) -> httpx.Response:
        """A callback in JSON."""
        return self.client.post(f"/sigfox/{route}", json=variables)

    def queue(self, vehicle: str, payload: str) -> None:
        """A downlink, by evd's own API."""
        key = {"x-api-key": self.daemon.keys["admin"]}
        queued = self.client.post(f"/api/v1/vehicles/{vehicle}/downlinks", json={"payload": payload}, headers=key)
        assert queued.status_code == 201, queued.text

    def post(self, content: Any, **headers: str) -> httpx.Response:
        """What a vehicle posts by itself: bytes, or what is written as JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        key = {"x-api-key": self.daemon.keys["device"], "content-type": "application/json"}
        return self.client.post("/wlan", content=body, headers={**key, **headers})

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return list(self.database.execute(sql, values))

    def fields_of(self, vehicle: str) -> list[tuple[Any, dict[str, Any]]]:
        """(seq, fields) of the vehicle's statuses in order."""
        rows = self.rows("SELECT seq, fields FROM history WHERE vehicle = ? ORDER BY time_ms, seq", vehicle)
        return [(seq, json.loads(fields)) for seq, fields in rows]

    def kept(self) -> list[list[Any]]:
        return [self.rows(f"SELECT * FROM {table}") for table in _KEPT]


def answer(response: httpx.Response) -> tuple[int, str, str | None]:
    """All that Sigfox may look at of an answer."""
    return response.status_code, response.text, response.headers.get("x-status-id")


@contextmanager
def network_of(directory: Path, *, settings: str = "") -> Iterator[Network]:
    """A running evd in `directory` that has taken nothing yet."""
    with running_daemon(directory, settings=settings) as daemon:
        headers = {"x-api-key": daemon.keys["sigfox"]}
        with (
            httpx.Client(base_url=daemon.url, headers=headers, timeout=ANSWER_S) as client,
            closing(open_reader(daemon.database)) as database,
        ):
            yield Network(daemon, client, database)
