"""What waits for its message, out of SQLite: short questions on a connection of their own, asked in the loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import msgspec

from evd.store.sqlite.connection import open_reader, translated


class WaitingRow(msgspec.Struct, frozen=True, gc=False):
    """What DATA_ADVANCED or GEOLOC said of a message that did not come; times are epoch ms."""

    number: int
    vehicle: str
    time: int
    seq: int | None
    source: str
    """`advanced` or `geoloc`."""
    payload: bytes | None
    radio: bytes
    """What it says of the radio, a JSON object."""
    location: str | None
    received: int
    document: bytes | None
    """The callback, a JSON object; None: an older evd did not keep it."""


class WaitingMetadata(Protocol):
    """Every method raises StoreError where the database cannot be read."""

    def since(self, until: int | None, limit: int) -> list[WaitingRow]:
        """Those first received until then, or all, the oldest first; `limit` at most."""

    def ahead(self, after: int, limit: int) -> list[WaitingRow]:
        """Those received after a time that is still to come."""


_ROW = """
SELECT number, vehicle, time, nullif(seq, -1), source, payload, CAST(radio AS BLOB), location, received,
    CAST(document AS BLOB)
FROM radio_waiting
"""
_SINCE = f"{_ROW} WHERE received <= ? ORDER BY received LIMIT ?"
_OLDEST = f"{_ROW} ORDER BY received LIMIT ?"
_AHEAD = f"{_ROW} WHERE received > ? ORDER BY received LIMIT ?"


class SqliteWaitingMetadata:
    """See `WaitingMetadata`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_reader(path)
        self._db.execute("PRAGMA busy_timeout = 0")  # the loop must not wait

    def since(self, until: int | None, limit: int) -> list[WaitingRow]:
        return self._all(_OLDEST, limit) if until is None else self._all(_SINCE, until, limit)

    def ahead(self, after: int, limit: int) -> list[WaitingRow]:
        return self._all(_AHEAD, after, limit)

    def close(self) -> None:
        self._db.close()

    def _all(self, sql: str, *values: Any) -> list[WaitingRow]:
        with translated(self._path):
            return [WaitingRow(*row) for row in self._db.execute(sql, values).fetchall()]
