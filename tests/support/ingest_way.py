"""A way in over a real database: keys, writer, and what a reader finds afterwards."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import trio
from builders import rows

from evd.auth.api_keys import ROLES, new_key
from evd.config.settings import FormatSettings
from evd.ingest.cache import IngestCache
from evd.ingest.service import Ingest
from evd.payload.formats import Formats
from evd.request.http import Reply, Request
from evd.store.sqlite.database import SqliteDatabase
from evd.store.writer import Writer

NOW = 1_639_400_060_000
"""The server's time: a minute after the original's callback was sent."""


KEYS = {role: new_key(role) for role in ROLES}


BOUND_TEXT, _unbound = new_key("device")


BOUND_KEY = _unbound._replace(vehicle="386625")


class Way:
    """An ingest over a database; `now` is the server's time."""

    def __init__(self, store: SqliteDatabase, path: Path) -> None:
        self.path = path
        self.now = NOW
        self.writer: Writer
        self.nursery: trio.Nursery
        self.directory = IngestCache([*(key for _, key in KEYS.values()), BOUND_KEY], [])
        self.writer = Writer(
            store,
            queue_rows_max=100,
            queue_bytes_max=1 << 20,
            batch_rows_max=50,
            answer_timeout_s=8,
        )
        self.writer.observers.append(self.directory)
        formats = Formats({"trailer": FormatSettings("load::uint:8")}, "ev")
        self.ingest = Ingest(self.writer, self.directory, formats, clock=lambda: self.now)

    async def post(self, path: str, body: bytes | dict[str, Any], *, role: str = "admin", **headers: str) -> Reply:
        fields = {b"x-api-key": KEYS[role][0].encode(), b"content-type": b"application/json"}
        fields |= {name.replace("_", "-").lower().encode(): value.encode() for name, value in headers.items()}
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.ingest.accept(Request("POST", path, b"", fields, content, "192.0.2.1"))

    async def fields_of(self, reply: Reply) -> dict[str, Any]:
        """What was stored of a request that was answered so."""
        (row,) = rows(self.path, "SELECT fields FROM history WHERE id = ?", status_id(reply))
        found: dict[str, Any] = json.loads(row[0])
        return found

    def count(self) -> int:
        ((number,),) = rows(self.path, "SELECT count(*) FROM statuses")
        return int(number)


def status_id(reply: Reply) -> str:
    assert reply.status == 201, reply
    assert reply.body == b""
    return dict(reply.headers)[b"x-status-id"].decode()


@pytest.fixture
def store_options() -> dict[str, Any]:
    return {}


@pytest.fixture
async def way(
    open_store: Callable[..., SqliteDatabase], database: Path, nursery: trio.Nursery, store_options: dict[str, Any]
) -> AsyncIterator[Way]:
    made = Way(open_store(**store_options), database)
    made.nursery = nursery
    nursery.start_soon(made.writer.run)
    nursery.start_soon(made.ingest.run)
    yield made
    made.writer.close()
