"""A copy of a database in use, by SQLite's backup API, and the examination of such a copy.

The copy is of one moment: an open read holds the source's snapshot, so that no commit starts the copy again. The WAL
cannot be truncated meanwhile, so it grows by what is written; where that is too much, the copy is given up and begun
again later, with a new snapshot.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evd.errors import StoreBusy, StoreDamaged, StoreRefused
from evd.store.copies import CopyReport, Examined
from evd.store.sqlite.connection import open_reader, translated, version_of
from evd.store.sqlite.sqlite_library import sqlite3

STEP_BYTES = 4 * 1024 * 1024
"""Bytes of one step; each is synced before the next, so that evd's commits never wait behind a long flush."""

WAL_MAX_BYTES = 512 * 1024 * 1024
"""How far the WAL may grow during a copy."""

TRIES = 3

REST_S = 5.0
"""Between two tries; the WAL is copied into the database meanwhile and starts again."""


class _WalGrew(Exception):
    pass


def copy(
    source: Path,
    target: Path,
    report: CopyReport,
    *,
    wal_max_bytes: int = WAL_MAX_BYTES,
    rest: Callable[[float], None] = time.sleep,
) -> int:
    """Copy into the new file `target`, a database without a WAL; returns how often it was begun again.

    `report` is called with the bytes that are copied and those of the whole; what it raises ends the copy. Raises
    StoreBusy if the WAL grows too fast each time, or another StoreError.
    """
    for again in range(TRIES):
        target.unlink(missing_ok=True)
        try:
            with translated(source):
                _copy_once(source, target, report, wal_max_bytes)
        except _WalGrew:
            rest(REST_S)
        else:
            return again
    raise StoreBusy(
        f"evd writes so much that {source.name}-wal grew by {wal_max_bytes >> 20} MiB during {TRIES} copies: "
        "back up at a quieter hour"
    )


def _copy_once(source: Path, target: Path, report: CopyReport, wal_max_bytes: int) -> None:
    wal = source.with_name(f"{source.name}-wal")
    reader = open_reader(source)
    written = sqlite3.connect(str(target), isolation_level=None)
    synced = os.open(target, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        (page_bytes,) = reader.execute("PRAGMA page_size").fetchone()
        written.execute("PRAGMA synchronous = 0")  # synced here, step by step
        written.execute("PRAGMA journal_mode = off")  # a copy that breaks off is removed
        held = reader.execute("SELECT name FROM sqlite_schema")
        held.fetchone()  # it is not read to its end, so it holds the snapshot
        begun_with = _size(wal)

        def note(status: int, remaining: int, pages: int) -> None:
            os.fdatasync(synced)
            if _size(wal) - begun_with > wal_max_bytes:
                raise _WalGrew
            report((pages - remaining) * page_bytes, pages * page_bytes)

        reader.backup(written, pages=STEP_BYTES // page_bytes, progress=note)
        held.close()
        written.execute("PRAGMA journal_mode = delete")  # the source's header says WAL; the copy is one file
    finally:
        written.close()
        reader.close()
        os.fsync(synced)
        os.close(synced)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def examine(path: Path) -> Examined:
    """What is in a database that nobody uses. Raises StoreRefused if it is not evd's or newer than this evd."""
    if not path.exists() or path.stat().st_size == 0:
        raise StoreRefused(f"{path} is empty")
    try:
        with translated(path):
            reader = open_reader(path)
            try:
                version = version_of(reader, path)
                damage = [line for (line,) in reader.execute("PRAGMA integrity_check(20)")]
                return Examined(version, _rows(reader), [] if damage == ["ok"] else damage)
            finally:
                reader.close()
    except StoreDamaged as error:  # too damaged to be searched
        return Examined(0, {}, [str(error)])


_COUNTS = """
SELECT name, printf('SELECT count(*) FROM "%w"', name) FROM sqlite_schema
WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"""


def _rows(reader: Any) -> dict[str, int]:
    return {table: reader.execute(count).fetchone()[0] for table, count in reader.execute(_COUNTS).fetchall()}
