"""Search a database in use for damage.

SQLite's own `quick_check` is one long read, and the WAL cannot be truncated while a read lasts: for a file of gigabytes
under load, that is gigabytes of WAL. So a large file is read in parts with pauses between them, which costs a few
hundredths of a core and blocks nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evd.errors import StoreBroken
from evd.store.sqlite.connection import open_reader, translated

WHOLE_BYTES_MAX = 64 * 1024 * 1024
"""A file up to this size is checked in one read, which takes a tenth of a second."""

STRETCH_ROWS = 2_000
"""Rows of one part, which takes some milliseconds."""

REST_TIMES = 19.0
"""Length of a pause as a multiple of the part before it: a twentieth of one core."""

# Every column is read, and so is every page of the part, overflow pages included. SQLite checks each one
# (cell_size_check), and the count shows whether the rows are still in order.
_STRETCH = """
SELECT count(*), min(place), max(place), total(length(CAST(id AS BLOB)) + length(CAST(fields AS BLOB))
       + length(CAST(document AS BLOB)) + ifnull(length(payload), 0)
       + ifnull(length(CAST(radio AS BLOB)), 0) + time + seq + received + connectivity + timely)
FROM (SELECT * FROM statuses WHERE place > ? ORDER BY place LIMIT ?)"""


def find_damage(
    path: Path, *, whole_bytes_max: int = WHOLE_BYTES_MAX, rest: Callable[[float], None] = time.sleep
) -> list[str]:
    """The damage found in the file, empty if none; `rest` is called with the seconds of each pause.

    Reads on a connection of its own. Raises StoreBroken if the file is gone or too damaged to be read.
    """
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise StoreBroken(f"{path} cannot be read ({error.strerror}): restore a backup") from error
    with translated(path):
        connection = open_reader(path)
        try:
            if size_bytes <= whole_bytes_max:
                return _faults(connection.execute("PRAGMA quick_check(20)"))
            return _around_the_rings(connection) or _along_the_rings(connection, rest)
        finally:
            connection.close()


def _faults(lines: Any) -> list[str]:
    found = [text for (text,) in lines]
    return [] if found == ["ok"] else found


def _around_the_rings(connection: Any) -> list[str]:
    """Check all tables but `statuses`, which is what makes a file large."""
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'statuses'").fetchall()
    return [line for (table,) in tables for line in _faults(connection.execute(f"PRAGMA quick_check({table})"))]


def _along_the_rings(connection: Any, rest: Callable[[float], None]) -> list[str]:
    connection.execute("PRAGMA cell_size_check = 1")
    last = -1
    while True:
        begun = time.perf_counter()
        rows, lowest, highest, _ = connection.execute(_STRETCH, (last, STRETCH_ROWS)).fetchone()
        if not rows:
            return []
        if not last < lowest <= highest or highest - lowest < rows - 1:
            return [f"the rows of statuses behind place {last} stand in no order"]
        last = highest
        rest((time.perf_counter() - begun) * REST_TIMES)
