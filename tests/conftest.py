"""What all tests share: the codec in use, stated in pytest's header, and stores that are closed at the end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import new_store
from hypothesis import settings

from evd.payload.codec import IMPLEMENTATION
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.sqlite_library import sqlite3

# A shell ignores SIGINT for what it starts in the background, and so would the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A shared machine's pauses are no failures; a failing example is printed so that it can be run again.
settings.register_profile("evd", deadline=None, print_blob=True)
settings.load_profile("evd")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "NIGHTLY" in os.environ:
        return
    for item in items:
        if item.get_closest_marker("nightly"):
            item.add_marker(pytest.mark.skip(reason="too long: `make nightly` runs it"))


def pytest_report_header() -> str:
    return f"evd: codec {IMPLEMENTATION}, SQLite {sqlite3.sqlite_version}"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "evd.db"


@pytest.fixture
def open_store(database: Path) -> Iterator[Callable[..., SqliteDatabase]]:
    """Opens a store over `database` (or another path), with the options of `builders.new_store`."""
    stores: list[SqliteDatabase] = []

    def opened(path: Path = database, **options: Any) -> SqliteDatabase:
        stores.append(new_store(path, **options))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()
