"""Stores and operations for tests, with what a test does not care about filled in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evd.config.settings import Config
from evd.model.operations import Arrive, Operation
from evd.model.status import identity
from evd.model.units import DAY_MS
from evd.push.providers import target_kinds
from evd.store.protocols import finished
from evd.store.settings import Limits, store_settings
from evd.store.sqlite.connection import open_reader
from evd.store.sqlite.database import SqliteDatabase

NOW = 1_700_000_000_000
"""The server's time in tests, epoch ms."""

SETTINGS = store_settings(Config(), target_kinds())._replace(rollup_days=1826)
ROOMY = SETTINGS.limits._replace(rejected=100, owners=100, registrations=100, registrations_per_vehicle=10, outbox=100)


def new_store(path: Path, *, capacity: int = 10, limits: Limits = ROOMY, **settings: Any) -> SqliteDatabase:
    return SqliteDatabase(path, SETTINGS._replace(capacity=capacity, limits=limits, **settings))


def prepare(store: SqliteDatabase, operations: Sequence[Operation]) -> list[Any]:
    """A group, prepared without a pause."""
    return finished(store.prepare(operations))


def arrival(
    vehicle: str = "386625",
    *,
    time: int = NOW,
    seq: int | None = 0,
    payload: bytes | None = b"\x01",
    now: int = NOW,
    fields: bytes = b'{"state":1}',
    document: bytes = b"{}",
    **others: Any,
) -> Arrive:
    """A status as the ingest would hand it to the writer at `now`."""
    timely = time <= now + DAY_MS
    given: dict[str, Any] = {
        "status_id": identity("data", vehicle, time, seq, payload or b"json:{}"),
        "vehicle": vehicle,
        "spelling": vehicle,
        "time": time,
        "seq": seq,
        "timely": timely,
        "connectivity": 1,
        "payload": payload,
        "fields": fields,
        "document": document,
        "received": now,
        "flags": "" if timely else "ahead",
    }
    return Arrive(**given | others)


def rows(path: Path, sql: str, *values: Any) -> list[Any]:
    """What a reader beside the running store sees."""
    connection = open_reader(path)
    try:
        return list(connection.execute(sql, values))
    finally:
        connection.close()


def ring_of(path: Path, vehicle: str = "386625") -> list[str]:
    """The ids of a vehicle's ring as readers see it, the lowest first."""
    sql = "SELECT id FROM ring WHERE vehicle = ? ORDER BY timely, time, seq, position"
    return [status_id for (status_id,) in rows(path, sql, vehicle)]
