"""A backup is whole, or there is none."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from backup_site import Silent, names
from builders import NOW

from evd.backup.restoring import restore
from evd.backup.taking import STAGING, take
from evd.config.data_dir import DataDirectory
from evd.errors import BackupError


def test_secrets_are_left_out_unless_asked_for(data_dir: DataDirectory, file: Path, tmp_path: Path) -> None:
    assert take(data_dir, file, NOW, Silent()).manifest.left_out == ["alerts.smtp_password"]
    assert b"C4nary" not in gzip.decompress(file.read_bytes())
    restore(file, DataDirectory(tmp_path / "new"), NOW, Silent())
    assert (tmp_path / "new" / "evd.toml").read_text() == '[alerts]\n[log]\nlevel = "debug"\n'
    whole = tmp_path / "whole.tar"
    assert take(data_dir, whole, NOW, Silent(), secrets=True).manifest.left_out == []
    assert b"C4nary" in whole.read_bytes()


@pytest.mark.parametrize("phase", ["copying", "reading", "packing", "verifying"])
def test_a_backup_that_is_interrupted_leaves_nothing(
    data_dir: DataDirectory, file: Path, tmp_path: Path, phase: str
) -> None:
    before = names(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        take(data_dir, file, NOW, Silent(phase))
    assert names(tmp_path) == before


def test_a_picture_that_is_removed_meanwhile_is_named(data_dir: DataDirectory, file: Path) -> None:
    picture = data_dir.directory / "images" / "386625" / "1.jpg"

    class Removing(Silent):
        def begin(self, what: str, size_bytes: int | None) -> None:
            if what == "reading":
                picture.unlink()

    with pytest.raises(BackupError, match=r"1\.jpg was removed while it was read: run the backup again"):
        take(data_dir, file, NOW, Removing())
    assert names(file.parent) == ["evd"]


def test_what_a_killed_run_left_is_removed(data_dir: DataDirectory, file: Path, tmp_path: Path) -> None:
    (tmp_path / f"{STAGING}999999999-abc").mkdir()
    (tmp_path / f"{STAGING}{os.getppid()}-abc").mkdir()
    assert take(data_dir, file, NOW, Silent()).leftovers == 1
    assert list(tmp_path.glob(f"{STAGING}*")) == [tmp_path / f"{STAGING}{os.getppid()}-abc"], "another one runs still"
