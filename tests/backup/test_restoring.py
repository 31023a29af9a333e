"""A restore changes nothing until all is right, and keeps what was there."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from backup_site import STATUSES, Silent, names
from builders import NOW, arrival, rows

from evd.backup.manifest import DATABASE, MANIFEST
from evd.backup.restoring import check, restore
from evd.backup.taking import STAGING, take
from evd.config.data_dir import DataDirectory, Lock
from evd.errors import AlreadyRunning, BackupError
from evd.store.sqlite.database import SqliteDatabase


@pytest.mark.parametrize("name", ["evd.tar.gz", "evd.tar"])
def test_what_is_restored_is_what_was_there(data_dir: DataDirectory, tmp_path: Path, name: str) -> None:
    phases, file = Silent(), tmp_path / name
    taken = take(data_dir, file, NOW, phases)
    assert phases.seen[:3] == ["copying", "checking", "reading"] and phases.seen[-1] == "verifying"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob(f"{STAGING}*")) == []
    assert set(taken.manifest.files) == {"evd.db", "evd.toml", "images/386625/1.jpg"}
    assert taken.manifest.rows["statuses"] == 99
    assert check(file, Silent()) == taken.manifest

    place = DataDirectory(tmp_path / "new")
    restored = restore(file, place, NOW, Silent())
    assert (restored.manifest, restored.kept) == (taken.manifest, None)
    assert rows(place.database, STATUSES) == rows(data_dir.database, STATUSES)
    assert (place.directory / "images/386625/1.jpg").read_bytes() == b"\xff\xd8" + bytes(3000)
    assert (place.directory / "alive").read_text() == f"{NOW}\n", "the log says what is to be fetched since then"
    assert {path.stat().st_mode & 0o077 for path in place.directory.rglob("*") if path.is_file()} == {0}
    assert not [name for name in names(place.directory) if name.startswith(".")]


def repacked(file: Path, change: Callable[[str, bytes], tuple[str, bytes]]) -> Path:
    """The archive with its members changed."""
    made = file.with_name("changed.tar")
    with tarfile.open(file) as old, tarfile.open(made, "w") as new:
        for entry in old:
            content = old.extractfile(entry)
            assert content is not None
            name, data = change(entry.name, content.read())
            entry.name, entry.size = name, len(data)
            new.addfile(entry, io.BytesIO(data))
    return made


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def test_a_backup_that_is_not_as_it_was_written_changes_nothing(
    data_dir: DataDirectory, file: Path, tmp_path: Path
) -> None:
    take(data_dir, file, NOW, Silent())
    place = DataDirectory(tmp_path / "new")
    newer = msgspec.json.encode(check(file, Silent()))

    def manifest(**changed: object) -> Callable[[str, bytes], tuple[str, bytes]]:
        document = json.dumps({**json.loads(newer), **changed}).encode()
        return lambda name, data: (name, document if name == MANIFEST else data)

    wrong: dict[str, Path | Callable[[str, bytes], tuple[str, bytes]]] = {
        "another checksum": lambda name, data: (name, flipped(data) if name == DATABASE else data),
        "not as its manifest says": lambda name, data: ("../evil" if name.startswith("images") else name, data),
        "first member is no manifest": lambda name, data: (name.replace("manifest", "x"), data),
        "made by evd .*install that version": manifest(format=2),
        "other rows in statuses": manifest(rows={"statuses": 7}),
        "has no evd.db": manifest(files={}),
    }
    for says, change in wrong.items():
        with pytest.raises(BackupError, match=says):
            restore(repacked(file, change), place, NOW, Silent())  # type: ignore[arg-type]
        assert not place.database.exists()
    cut = file.with_name("cut.tar.gz")
    cut.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(BackupError, match=r"is it complete\?|it ends before"):
        restore(cut, place, NOW, Silent())
    with pytest.raises(BackupError, match="does not exist"):
        check(tmp_path / "none.tar", Silent())
    assert not place.database.exists() and not (tmp_path / "evil").exists()


def test_a_database_is_replaced_only_on_request_and_is_kept(
    data_dir: DataDirectory, file: Path, tmp_path: Path, open_store: Callable[..., SqliteDatabase]
) -> None:
    take(data_dir, file, NOW, Silent())
    place = DataDirectory(tmp_path / "other")
    place.directory.mkdir()
    other = open_store(place.database)
    other.write([arrival("C0FFEE")])
    place.settings.write_text("# mine\n")
    with pytest.raises(BackupError, match=r"holds an evd\.db: --replace puts the backup in its place, and keeps"):
        restore(file, place, NOW, Silent())
    lock = Lock(place)
    with pytest.raises(AlreadyRunning, match=r"stop it first .*systemctl stop evd"):
        restore(file, place, NOW, Silent(), replace=True)
    lock.release()
    other.close()
    kept = restore(file, place, NOW, Silent(), replace=True).kept
    assert kept is not None and kept.parent == place.directory
    assert rows(kept / "evd.db", "SELECT vehicle FROM ring") == [("C0FFEE",)]
    assert (kept / "evd.toml").read_text() == "# mine\n"
    assert rows(place.database, STATUSES) == rows(data_dir.database, STATUSES)
