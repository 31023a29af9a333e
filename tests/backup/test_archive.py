"""The archive of a backup: what is read is what was written, or it is refused."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import NOW

from evd.backup import archive
from evd.backup.manifest import DATABASE, FORMAT, MANIFEST, MANIFEST_MAX_BYTES, Manifest, Member
from evd.errors import BackupError

CONTENT = b"a database" * 1000
PICTURE = "images/386625/1.jpg"


def nothing(size: int) -> None: ...


def written(folder: Path, name: str, progress: archive.Progress = nothing) -> tuple[Path, Manifest]:
    """An archive of two files."""
    sources = {DATABASE: folder / "db", PICTURE: folder / "jpg"}
    sources[DATABASE].write_bytes(CONTENT)
    sources[PICTURE].write_bytes(b"")
    members = {name: archive.checksum(path, nothing) for name, path in sources.items()}
    manifest = Manifest(FORMAT, "1", 1, NOW, "host", {}, members)
    archive.write(folder / name, manifest, sources, progress)
    return folder / name, manifest


@pytest.mark.parametrize("name", ["evd.tar", "evd.tar.gz", "evd.tgz"])
def test_what_is_read_is_what_was_written(tmp_path: Path, name: str) -> None:
    file, manifest = written(tmp_path, name)
    assert file.stat().st_mode & 0o777 == 0o600
    assert (file.read_bytes()[:2] == b"\x1f\x8b") is archive.is_packed(file) is (name != "evd.tar")
    assert archive.read(file, tmp_path / "into", nothing) == manifest
    assert (tmp_path / "into" / DATABASE).read_bytes() == CONTENT
    assert (tmp_path / "into" / PICTURE).stat().st_mode & 0o777 == 0o600
    assert archive.read(file, None, nothing) == manifest, "also where nothing is kept"


def test_each_byte_is_reported_and_whoever_is_told_may_end_the_work(tmp_path: Path) -> None:
    steps: list[int] = []
    file, _ = written(tmp_path, "evd.tar", steps.append)
    assert sum(steps) == len(CONTENT)
    steps.clear()
    archive.read(file, None, steps.append)
    assert sum(steps) == len(CONTENT)

    def stop(size: int) -> None:
        raise KeyboardInterrupt

    for work in (lambda: written(tmp_path, "other.tar", stop), lambda: archive.read(file, None, stop)):
        with pytest.raises(KeyboardInterrupt):
            work()


def packed(file: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(file, "w") as tar:
        for entry, content in members:
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return file


def member(name: str, content: bytes = CONTENT) -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), content


def link(name: str) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return entry, b""


@pytest.mark.parametrize(
    ("members", "says"),
    [
        (lambda manifest: [], "first member is no manifest"),
        (lambda manifest: [member(DATABASE), member(MANIFEST, manifest)], "first member is no manifest"),
        (lambda manifest: [link(MANIFEST)], "cannot be read as a backup"),
        (lambda manifest: [member(MANIFEST, b" " * (MANIFEST_MAX_BYTES + 1))], "first member is no manifest"),
        (lambda manifest: [member(MANIFEST, manifest)], "ends before evd.db"),
        (lambda manifest: [member(MANIFEST, manifest), link(DATABASE)], "cannot be read as a backup"),
        (lambda manifest: [member(MANIFEST, manifest), member(DATABASE, CONTENT[:-1])], "not as its manifest says"),
        (lambda manifest: [member(MANIFEST, manifest), member(DATABASE, CONTENT[::-1])], "another checksum"),
        (lambda manifest: [member(MANIFEST, manifest), member("evil")], "'evil' is not as its manifest says"),
        (
            lambda manifest: [member(MANIFEST, manifest), member(DATABASE), member(DATABASE)],
            "'evd.db' is not as its manifest says",
        ),
    ],
    ids=[
        *("empty", "no manifest first", "a link for a manifest", "a long manifest", "no database", "a link"),
        *("a shorter file", "another file", "a file more", "a file twice"),
    ],
)
def test_what_is_not_as_it_was_written_is_refused(
    tmp_path: Path, members: Callable[[bytes], list[tuple[tarfile.TarInfo, bytes]]], says: str
) -> None:
    (tmp_path / "db").write_bytes(CONTENT)
    known = {DATABASE: archive.checksum(tmp_path / "db", nothing)}
    manifest = Manifest(FORMAT, "1", 1, NOW, "host", {}, known).encoded()
    with pytest.raises(BackupError, match=says):
        archive.read(packed(tmp_path / "evd.tar", *members(manifest)), tmp_path / "into", nothing)


def test_a_file_that_is_no_archive_and_one_that_is_not_there_are_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no archive" * 100)
    with pytest.raises(BackupError, match="text cannot be read as a backup"):
        archive.read(tmp_path / "text", None, nothing)
    with pytest.raises(BackupError, match="none does not exist"):
        archive.read(tmp_path / "none", None, nothing)


def test_a_checksum_is_of_all_of_a_file_however_long(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(bytes(archive.CHUNK_BYTES + 1))
    steps: list[int] = []
    found = archive.checksum(tmp_path / "long", steps.append)
    assert (found.bytes, steps) == (archive.CHUNK_BYTES + 1, [archive.CHUNK_BYTES, 1])
    assert found == Member(found.bytes, "2cb74edba754a81d121c9db6833704a8e7d417e5b13d1a19f4a52f007d644264")
