"""A person's SQL on the database beside a daemon: for reading only, with bounds on its time and its rows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from evd.errors import ConfigError
from evd.store.sql import SqlAnswer
from evd.store.sqlite.connection import open_reader, translated
from evd.store.sqlite.sqlite_library import sqlite3

ROWS_MAX = 100_000
"""Rows of one answer; more are counted as cut off."""

LASTS_S = 60.0
"""An open read keeps the WAL from being truncated, so none lasts longer."""

LOOK_EVERY_STEPS = 100_000
"""Steps of SQLite's machine between two looks at the clock: about a millisecond."""

_NAMES = """
SELECT name FROM sqlite_schema WHERE type IN ('view', 'table') AND name NOT LIKE 'sqlite%'
ORDER BY type DESC, name"""
_MADE = "SELECT sql FROM sqlite_schema WHERE name = ?"


class SqliteSession:
    """Implements `evd.store.sql.SqlSession`."""

    def __init__(self, path: Path, *, lasts_s: float = LASTS_S) -> None:
        with translated(path):
            self._connection = open_reader(path)
        self._lasts_s = lasts_s
        self._until = 0.0
        self._connection.set_progress_handler(self._is_late, LOOK_EVERY_STEPS)

    def ask(self, sql: str) -> SqlAnswer:
        """Raises ConfigError if SQLite does not take it, or if it takes too long."""
        self._until = time.monotonic() + self._lasts_s
        cursor: Any = None
        try:
            cursor = self._connection.execute(sql)
            rows = cursor.fetchmany(ROWS_MAX + 1)
        except sqlite3.Warning as error:  # two statements
            raise ConfigError(f"{error}: ask one after the other") from None
        except sqlite3.Error as error:
            if time.monotonic() > self._until:
                raise ConfigError(f"it took longer than {self._lasts_s:.0f} s and was stopped: add a LIMIT") from None
            raise ConfigError(f"SQLite says: {error}") from None
        finally:
            if cursor is not None:
                cursor.close()  # it would hold a snapshot
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        names = [column[0] for column in cursor.description or ()]
        return SqlAnswer(names, rows[:ROWS_MAX], len(rows) > ROWS_MAX)

    def is_whole(self, text: str) -> bool:
        """Whether a statement has ended."""
        return bool(sqlite3.complete_statement(text))

    def names(self) -> list[str]:
        """Views, then tables."""
        return [name for (name,) in self._connection.execute(_NAMES)]

    def made_by(self, name: str) -> str | None:
        """The statement that made a view or a table; None: there is none."""
        found = self._connection.execute(_MADE, (name,)).fetchone()
        return str(found[0]) if found else None

    def close(self) -> None:
        self._connection.close()

    def _is_late(self) -> int:
        return int(time.monotonic() > self._until > 0)
