"""Old backups go, and nothing else."""

from __future__ import annotations

from pathlib import Path

from backup_site import names
from builders import NOW

from evd.backup import rotation


def test_rotation_removes_the_oldest_backups_and_nothing_else(tmp_path: Path) -> None:
    made = [tmp_path / rotation.name_at(NOW + day * 86_400_000) for day in range(5)]
    for path in (*made, tmp_path / "evd-mine.tar.gz", tmp_path / "notes"):
        path.touch()
    assert made[0].name == "evd-20231114T221320Z.tar.gz"
    assert rotation.rotate(tmp_path, 2) == made[:3]
    assert names(tmp_path) == sorted([made[3].name, made[4].name, "evd-mine.tar.gz", "notes"])
    assert rotation.rotate(tmp_path, 2) == []
