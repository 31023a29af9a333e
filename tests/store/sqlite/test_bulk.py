"""Many rows are inserted in order by few statements, whatever their number."""

from __future__ import annotations

from contextlib import closing

import pytest

from evd.store.sqlite.bulk import CHUNK_ROWS_MAX, Bulk
from evd.store.sqlite.sqlite_library import sqlite3


@pytest.mark.parametrize(
    ("count", "statements"),
    [
        *((0, 0), (1, 1), (2, 1), (3, 2), (7, 3), (CHUNK_ROWS_MAX - 1, 8), (CHUNK_ROWS_MAX, 1)),
        *((CHUNK_ROWS_MAX + 1, 2), (3 * CHUNK_ROWS_MAX + 5, 5)),
    ],
)
def test_rows_are_written_in_order_by_statements_of_powers_of_two(count: int, statements: int) -> None:
    rows = [(number, str(number)) for number in range(count)]
    executed: list[str] = []
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE some (number INTEGER, text TEXT)")
        connection.set_trace_callback(executed.append)
        Bulk("INSERT INTO some (number, text) VALUES {rows}", "(?, ?)").run(connection, rows)
        connection.set_trace_callback(None)
        assert connection.execute("SELECT number, text FROM some ORDER BY rowid").fetchall() == rows
    assert len(executed) == statements
