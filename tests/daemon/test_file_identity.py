"""The files that evd opened: what somebody does to them while it runs ends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evd.daemon.file_identity import FileIdentity
from evd.errors import StoreBroken


def replace(path: Path) -> None:
    fresh = path.with_name("fresh")
    fresh.write_bytes(path.read_bytes())
    fresh.replace(path)


def move_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def make_folder_a_file(path: Path) -> None:
    move_folder(path)
    path.parent.touch()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "evd").mkdir()
    (tmp_path / "evd" / "evd.db").write_bytes(b"rows")
    return tmp_path / "evd" / "evd.db"


@pytest.mark.parametrize(
    ("happens", "what"),
    [(Path.unlink, "removed"), (replace, "replaced"), (move_folder, "removed"), (make_folder_a_file, "removed")],
)
def test_a_file_that_is_no_longer_the_one_that_was_opened_ends_evd(
    happens: Callable[[Path], None], what: str, file: Path
) -> None:
    files = FileIdentity([file])
    files.check()
    happens(file)
    with pytest.raises(StoreBroken, match=f"evd.db was {what} while evd was running"):
        files.check()


def test_a_file_may_change_and_one_that_was_not_there_may_come(file: Path) -> None:
    files = FileIdentity([file, file.with_name("evd.db-wal")])
    file.write_bytes(b"more rows")
    file.chmod(0o640)
    file.with_name("evd.db-wal").touch()
    files.check()


def test_each_file_is_looked_at(file: Path) -> None:
    lock = file.with_name("evd.lock")
    lock.touch()
    files = FileIdentity([file, lock])
    lock.unlink()
    with pytest.raises(StoreBroken, match=r"evd\.lock was removed"):
        files.check()
