"""A directory in use, and the place of a backup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from backup_site import SETTINGS
from builders import NOW, arrival

from evd.config.data_dir import DataDirectory
from evd.store.sqlite.database import SqliteDatabase


@pytest.fixture
def data_dir(tmp_path: Path, open_store: Callable[..., SqliteDatabase]) -> DataDirectory:
    """A directory in use: the store over it stays open."""
    found = DataDirectory(tmp_path / "evd")
    (found.directory / "images" / "386625").mkdir(parents=True)
    (found.directory / "images" / "386625" / "1.jpg").write_bytes(b"\xff\xd8" + bytes(3000))
    found.settings.write_text(SETTINGS)
    store = open_store(found.database)
    store.write([arrival(f"{number:X}", time=NOW + number, seq=number) for number in range(1, 100)])
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "evd.tar.gz"
