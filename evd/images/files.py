"""Files named by the SHA-256 of their content: written whole and synced before their name exists, or not at all.

A file never changes, so equal pictures are one file. Calls wait for the disk: for a worker thread.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from evd.config.data_dir import sync_folder

NAME = re.compile(r"[0-9a-f]{64}")

_UNFINISHED = ".unfinished"

ZEROS_BYTES = 1024 * 1024
"""Bytes of one write."""


def name_of(content: bytes) -> str:
    return sha256(content).hexdigest()


class ContentFiles:
    """The files of one folder, which is made with the first of them. Methods raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, contents: Iterable[bytes]) -> None:
        """Write files; when this returns, they are on disk."""
        if not self._folder.exists():
            self._folder.mkdir(0o700, exist_ok=True)
            sync_folder(self._folder.parent)
        for content in contents:
            self._add(content)
        sync_folder(self._folder)

    def _add(self, content: bytes) -> None:
        target = self._folder / name_of(content)
        unfinished = target.with_suffix(_UNFINISHED)
        try:
            unfinished.touch(0o600)
            with unfinished.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(target)
        except OSError:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise

    def read(self, name: str) -> bytes:
        return (self._folder / _checked(name)).read_bytes()

    def remove(self, names: Iterable[str]) -> None:
        """Overwrite the files with zeros and remove them, as far as they are there."""
        for name in names:
            with suppress(FileNotFoundError):
                _overwrite(self._folder / _checked(name))
                (self._folder / name).unlink()
        with suppress(FileNotFoundError):
            sync_folder(self._folder)

    def names(self) -> Iterator[str]:
        """Of all files; one that was not finished is removed."""
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                if NAME.fullmatch(entry.name):
                    yield entry.name
                elif entry.name.endswith(_UNFINISHED):
                    Path(entry.path).unlink(missing_ok=True)


def _checked(name: str) -> str:
    assert NAME.fullmatch(name), "a name comes of the database, which has only digests"
    return name


def _overwrite(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        size = os.fstat(descriptor).st_size
        for at in range(0, size, ZEROS_BYTES):
            os.pwrite(descriptor, bytes(min(ZEROS_BYTES, size - at)), at)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
