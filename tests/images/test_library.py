"""The files of pictures: when they are there, when they go, and what a failing disk leaves."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from evd.config.settings import ImageSettings
from evd.errors import Unavailable
from evd.images import library as library_module
from evd.images.files import name_of
from evd.images.library import WAITING_MAX, ImageLibrary

ONE, OTHER = b"one" * 1000, b"other"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


@pytest.fixture
def library(folder: Path) -> ImageLibrary:
    return ImageLibrary(folder, ImageSettings())


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class Rows:
    """The files that the database names."""

    def __init__(self, *contents: bytes) -> None:
        self.names = {name_of(content) for content in contents}

    async def used(self, names: Sequence[str]) -> Collection[str]:
        return self.names & set(names)


async def keep(library: ImageLibrary, *contents: bytes) -> None:
    async with library.keeping(contents):
        pass


async def test_a_file_is_there_before_its_row_and_only_for_its_owner(library: ImageLibrary, folder: Path) -> None:
    assert await library.read(name_of(ONE)) is None
    async with library.keeping([ONE, OTHER]):
        assert names_in(folder) == {name_of(ONE), name_of(OTHER)}
    assert await library.read(name_of(ONE)) == ONE
    await keep(library, ONE)
    modes = {path.stat().st_mode & 0o777 for path in (folder, folder / name_of(ONE))}
    assert modes == {0o700, 0o600}


async def test_a_file_goes_when_no_row_names_it_and_its_bytes_are_overwritten(
    library: ImageLibrary, folder: Path, tmp_path: Path
) -> None:
    await keep(library, ONE, OTHER)
    (tmp_path / "same").hardlink_to(folder / name_of(ONE))
    await library.discard([name_of(ONE), name_of(OTHER), name_of(b"never")], Rows(OTHER).used)
    assert names_in(folder) == {name_of(OTHER)}
    assert (tmp_path / "same").read_bytes() == bytes(len(ONE))


async def test_a_sweep_removes_what_a_crash_left(
    library: ImageLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "SWEPT_AT_ONCE", 2)
    assert await library.sweep(Rows().used) == 0, "there is no folder yet"
    contents = [bytes([at]) for at in range(5)]
    await keep(library, *contents)
    (folder / f"{name_of(ONE)}.unfinished").write_bytes(ONE[:7])
    (folder / "note.txt").write_text("an operator's")
    assert await library.sweep(Rows(*contents[:2]).used) == 3
    assert names_in(folder) == {*map(name_of, contents[:2]), "note.txt"}


async def test_no_file_is_removed_between_its_writing_and_its_row(library: ImageLibrary) -> None:
    rows = Rows()
    asked: list[Any] = []

    async def used(names: Sequence[str]) -> Collection[str]:
        asked.append(names)
        return await rows.used(names)

    async with trio.open_nursery() as nursery, library.keeping([ONE]):
        nursery.start_soon(library.discard, [name_of(ONE)], used)
        nursery.start_soon(library.sweep, used)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert not asked
        rows.names.add(name_of(ONE))
    assert len(asked) == 2 and await library.read(name_of(ONE)) == ONE


@pytest.mark.parametrize(
    ("error", "says"), [(errno.ENOSPC, "the disk is full"), (errno.EIO, "check the folder and its disk")]
)
async def test_a_disk_that_takes_no_file(
    library: ImageLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch, error: int, says: str
) -> None:
    def failing(descriptor: int) -> None:
        raise OSError(error, os.strerror(error))

    await keep(library)
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(Unavailable, match=says):
        await keep(library, ONE)
    assert not names_in(folder), "no half of a file, and no name without its file"


async def test_who_would_wait_too_long_is_sent_away(library: ImageLibrary) -> None:
    limiter = library._limiter
    async with trio.open_nursery() as nursery, limiter:
        for _ in range(WAITING_MAX):
            nursery.start_soon(_takes, limiter)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(Unavailable, match="too many pictures"):
            await library.drawn(b"")


async def _takes(limiter: trio.CapacityLimiter) -> None:
    async with limiter:
        pass
