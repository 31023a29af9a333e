"""Insert many rows with one statement.

sqlite3 releases and retakes the GIL at each step of a statement: with `executemany` once a row, with one list of VALUES
once a chunk. Chunk sizes are powers of two, so that a few prepared statements serve any number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

CHUNK_ROWS_MAX = 256
"""Rows of a chunk. Times the 11 columns of `statuses` it is far below SQLite's 32,766 parameters."""


class Bulk:
    """A statement over rows: `sql` has {rows} in place of its VALUES; `row` is the text for one row: (?, ?, …)."""

    def __init__(self, sql: str, row: str) -> None:
        sizes = [1 << bit for bit in range(CHUNK_ROWS_MAX.bit_length())]
        self._texts = {size: sql.format(rows=",".join([row] * size)) for size in sizes}

    def run(self, connection: Any, rows: Sequence[Sequence[Any]]) -> None:
        """Execute the statement for all rows, in order."""
        done, total = 0, len(rows)
        while done < total:
            size = min(1 << ((total - done).bit_length() - 1), CHUNK_ROWS_MAX)
            connection.execute(self._texts[size], tuple(chain.from_iterable(rows[done : done + size])))
            done += size
