"""What an upgrade keeps of the database as it was: one copy, which an older evd could open, if there is room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import new_store, rows
from folders import SUPPORT

from evd.store.sqlite.connection import APPLICATION_ID, SCHEMA_VERSION
from evd.store.sqlite.sqlite_library import sqlite3
from evd.store.sqlite.upgrade_copy import SPARE_BYTES, copy_of, keep_copy


def old_database(path: Path, version: int) -> None:
    connection = sqlite3.connect(str(path))
    connection.executescript((SUPPORT / f"schema_{version}.sql").read_text("utf-8"))
    connection.executescript(
        f"INSERT INTO meta VALUES ('statuses_per_vehicle', 10);"
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version}; PRAGMA journal_mode = wal;"
    )
    connection.close()
    path.chmod(0o640)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    old_database(tmp_path / "evd.db", 7)
    return tmp_path / "evd.db"


def test_an_upgrade_keeps_the_database_as_it_was_and_removes_older_copies(database: Path) -> None:
    before = copy_of(database, 5)
    before.touch()
    said: list[str] = []
    new_store(database).close()
    kept = copy_of(database, 7)
    assert rows(kept, "PRAGMA user_version") == [(7,)]
    assert rows(kept, "SELECT value FROM meta WHERE name = 'statuses_per_vehicle'") == [(10,)]
    assert rows(kept, "PRAGMA integrity_check") == [("ok",)]
    assert (kept.stat().st_mode & 0o777, before.exists(), said) == (0o640, False, [])
    assert rows(database, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    kept.unlink()
    new_store(database).close()
    assert not list(database.parent.glob("*.schema-*")), "a start without an upgrade copies nothing"


def without_room(connection: Any, database: Path) -> Path | None:
    return keep_copy(connection, database, 7, print, free_bytes=SPARE_BYTES)


def onto_a_folder(connection: Any, database: Path) -> Path | None:
    (database.parent / "evd.db.schema-7.new").mkdir()
    return keep_copy(connection, database, 7, print)


@pytest.mark.parametrize("tried", [without_room, onto_a_folder])
def test_an_upgrade_does_without_a_copy_where_none_can_be_made(
    database: Path, tried: Callable[[Any, Path], Path | None]
) -> None:
    connection = sqlite3.connect(str(database))
    try:
        assert tried(connection, database) is None
    finally:
        connection.close()
    assert not copy_of(database, 7).exists()


def test_no_copy_keeps_the_secrets_that_an_upgrade_masks(tmp_path: Path) -> None:
    old_database(tmp_path / "evd.db", 5)
    new_store(tmp_path / "evd.db").close()
    assert not list(tmp_path.glob("*.schema-*"))
