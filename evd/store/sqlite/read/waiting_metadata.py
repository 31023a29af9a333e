"""Reads unaccompanied radio metadata, by short queries in the loop on a connection of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evd.store.records import WaitingRow
from evd.store.sqlite.connection import open_reader, translated

_ROW = """
SELECT number, vehicle, time, nullif(seq, -1), source, payload, CAST(radio AS BLOB), location, received,
    CAST(document AS BLOB)
FROM radio_waiting
"""
_SINCE = f"{_ROW} WHERE received <= ? ORDER BY received LIMIT ?"
_OLDEST = f"{_ROW} ORDER BY received LIMIT ?"
_AHEAD = f"{_ROW} WHERE received > ? ORDER BY received LIMIT ?"


class SqliteWaitingMetadata:
    """See `evd.store.protocols.WaitingMetadata`."""

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
