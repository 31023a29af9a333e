"""Files named by their content: whole or not at all, and gone with their bytes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from evd.images import files as subject
from evd.images.files import ContentFiles, name_of

ONE, OTHER = b"one" * 1000, b"other"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


@pytest.fixture
def files(folder: Path) -> ContentFiles:
    return ContentFiles(folder)


def test_a_folder_that_is_not_there_holds_nothing_and_is_made_with_the_first_file(
    files: ContentFiles, folder: Path
) -> None:
    assert list(files.names()) == []
    files.remove([name_of(ONE)])
    assert not folder.exists()
    files.add([ONE, OTHER, ONE])
    assert set(files.names()) == {name_of(ONE), name_of(OTHER)}
    assert files.read(name_of(ONE)) == ONE
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_file_that_is_removed_is_overwritten_to_its_end(
    files: ContentFiles, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "ZEROS_BYTES", 1024)
    files.add([ONE])
    (tmp_path / "same").hardlink_to(folder / name_of(ONE))
    files.remove([name_of(ONE), name_of(OTHER)])
    assert (tmp_path / "same").read_bytes() == bytes(len(ONE))
    assert list(files.names()) == []


def test_a_link_in_place_of_a_file_leads_to_no_other_one(files: ContentFiles, folder: Path, tmp_path: Path) -> None:
    files.add([OTHER])
    (tmp_path / "victim").write_bytes(b"keep me")
    (folder / name_of(ONE)).symlink_to(tmp_path / "victim")
    with pytest.raises(OSError) as caught:
        files.remove([name_of(ONE)])
    assert caught.value.errno == errno.ELOOP
    assert (tmp_path / "victim").read_bytes() == b"keep me"


@pytest.mark.parametrize("name", ["../evd.db", "", "A" * 64, name_of(ONE) + "x", name_of(ONE)[:-1]])
def test_no_name_leads_elsewhere(files: ContentFiles, name: str) -> None:
    for ask in (files.read, lambda one: files.remove([one])):
        with pytest.raises(AssertionError):
            ask(name)


def test_what_was_not_finished_is_swept_and_nothing_else(files: ContentFiles, folder: Path) -> None:
    files.add([ONE])
    for name in (f"{name_of(OTHER)}.unfinished", "note.txt"):
        (folder / name).touch()
    assert list(files.names()) == [name_of(ONE)]
    assert {path.name for path in folder.iterdir()} == {name_of(ONE), "note.txt"}


def test_a_file_has_its_name_only_once_it_is_on_disk(
    files: ContentFiles, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.add([])
    seen: list[set[str]] = []

    def failing(descriptor: int) -> None:
        seen.append({path.name for path in folder.iterdir()})
        raise OSError(errno.EIO, "disk")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="disk"):
        files.add([ONE])
    assert seen == [{f"{name_of(ONE)}.unfinished"}] and not list(folder.iterdir())
