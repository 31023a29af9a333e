"""The engine as a whole: which files belong to it, its command for a shell, and readers that end with it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import arrival

from evd.store.sqlite.database import SqliteDatabase, files_of, fleet_command
from evd.store.sqlite.sqlite_library import sqlite3


def test_a_database_its_log_and_its_index_belong_together(
    open_store: Callable[..., SqliteDatabase], database: Path
) -> None:
    open_store().write([arrival()])
    assert set(database.parent.iterdir()) == set(files_of(database).values())


def test_a_shell_reads_the_fleet_whatever_its_path_is_called(
    open_store: Callable[..., SqliteDatabase], tmp_path: Path
) -> None:
    path = tmp_path / "the fleet's $HOME.db"
    open_store(path).write([arrival("A")])
    name, *options, file, _ = shlex.split(fleet_command(path))
    assert (name, file) == ("sqlite3", str(path)) and "-readonly" in options
    if shutil.which(name):
        shown = subprocess.run(fleet_command(path), shell=True, check=True, capture_output=True, text=True).stdout
        assert shown.splitlines()[2].startswith("A ")


def test_readers_end_with_their_database(open_store: Callable[..., SqliteDatabase]) -> None:
    store: Any = open_store()
    readers = [store.due_pushes(["token"]), store.waiting_metadata(), store.event_state()]
    store.close()
    for reader in readers:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            reader._db.execute("SELECT 1")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        store.living_keys()
