"""A backup is whole or there is none; a restore changes nothing until all is right, and keeps what was there."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from builders import NOW, arrival, rows

from evd.backup import rotation
from evd.backup.manifest import DATABASE, MANIFEST, Manifest, is_member
from evd.backup.restoring import check, restore
from evd.backup.settings_text import without_secrets
from evd.backup.taking import STAGING, take
from evd.config.data_dir import DataDirectory, Lock
from evd.errors import AlreadyRunning, BackupError
from evd.store.sqlite.database import SqliteDatabase

STATUSES = "SELECT vehicle, id FROM ring ORDER BY vehicle, id"
SETTINGS = '[alerts]\nsmtp_password = "C4nary"  # the mail server\'s\n[log]\nlevel = "debug"\n'


class Silent:
    """Phases that nobody sees; `at_byte` raises once so many are done."""

    def __init__(self, stop_in: str = "") -> None:
        self.seen: list[str] = []
        self._stop_in = stop_in

    def begin(self, what: str, size_bytes: int | None) -> None:
        self.seen.append(what)

    def step(self, size_bytes: int) -> None:
        if self._stop_in and self.seen[-1] == self._stop_in:
            raise KeyboardInterrupt

    def at(self, done_bytes: int, size_bytes: int) -> None:
        self.step(0)


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


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


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


def test_secrets_are_left_out_unless_asked_for(data_dir: DataDirectory, file: Path, tmp_path: Path) -> None:
    assert take(data_dir, file, NOW, Silent()).manifest.left_out == ["alerts.smtp_password"]
    assert b"C4nary" not in gzip.decompress(file.read_bytes())
    restore(file, DataDirectory(tmp_path / "new"), NOW, Silent())
    assert (tmp_path / "new" / "evd.toml").read_text() == '[alerts]\n[log]\nlevel = "debug"\n'
    whole = tmp_path / "whole.tar"
    assert take(data_dir, whole, NOW, Silent(), secrets=True).manifest.left_out == []
    assert b"C4nary" in whole.read_bytes()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("[log]\n", "[log]\n"),
        ('[push]\nttl_s = 5\nwebhook_secret = "x"\n', "[push]\nttl_s = 5\n"),
        ('push.webhook_secret = "x"\n', "[push]\n\n"),
        ('push = {webhook_secret = "x", ttl_s = 5}\n', "[push]\nttl_s = 5\n\n"),
        ('[push]\nwebhook_secret = """x\ny"""\nttl_s = 5\n', "[push]\nttl_s = 5\n\n"),
        ("[push\n", ""),
    ],
)
def test_a_secret_is_left_out_however_it_is_written(text: str, left: str) -> None:
    assert without_secrets(text)[0] == left
    assert without_secrets(text, keep=True) == (text, [])


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


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("evd.db", True),
        ("images/a/b.jpg", True),
        ("images/../evd.db", False),
        ("images//x", False),
        ("/etc/passwd", False),
    ],
)
def test_no_member_leads_out_of_the_directory(name: str, may: bool) -> None:
    assert is_member(name) is may


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


def test_rotation_removes_the_oldest_backups_and_nothing_else(tmp_path: Path) -> None:
    made = [tmp_path / rotation.name_at(NOW + day * 86_400_000) for day in range(5)]
    for path in (*made, tmp_path / "evd-mine.tar.gz", tmp_path / "notes"):
        path.touch()
    assert made[0].name == "evd-20231114T221320Z.tar.gz"
    assert rotation.rotate(tmp_path, 2) == made[:3]
    assert names(tmp_path) == sorted([made[3].name, made[4].name, "evd-mine.tar.gz", "notes"])
    assert rotation.rotate(tmp_path, 2) == []


def test_a_manifest_says_what_is_in_it(data_dir: DataDirectory, file: Path) -> None:
    take(data_dir, file, NOW, Silent())
    with tarfile.open(file) as tar:
        first = tar.next()
        assert first is not None and first.name == MANIFEST
        content = tar.extractfile(first)
        assert content is not None
        manifest = msgspec.json.decode(content.read(), type=Manifest)
    assert manifest.made_ms == NOW
    assert manifest.files[DATABASE].bytes > 0
