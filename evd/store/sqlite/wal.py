"""The WAL of a database: how long it is, when it is copied into the database file, and who copies which part."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from evd.errors import StoreBroken
from evd.log.logger import log
from evd.store.sqlite.connection import checkpoint, open_copier, translated

CHECKPOINT_BYTES = 32 * 1024 * 1024
"""Size of the WAL that starts a checkpoint. The longer the WAL, the fewer pages are copied, because one that changed
several times is copied once: 20,000 vehicles cost the disk 7.6 KB a status with 16 MiB, 6.0 with 32, 5.6 with 48."""

REST_BYTES = 1024 * 1024
"""Size of the rest of the WAL that may be copied between two commits: some milliseconds."""

PASSES_MAX = 4
"""Passes of one checkpoint. Each copies what was written during the one before, less if copying is the faster."""

HOLD_BYTES = 56 * 1024 * 1024
"""Size of the WAL at which commits wait for the checkpoint, because more is written than the disk can copy."""

LOOK_EVERY_BYTES = 4 * 1024 * 1024
"""Written bytes, by a generous estimate, between two checks of the WAL's length."""

WAL_MAX_BYTES = 64 * 1024 * 1024
"""Size beyond which the WAL is truncated, which must wait for readers; reached only if a reader blocked it for long."""


class WalSizes(NamedTuple):
    """The sizes above in pages."""

    checkpoint: int
    rest: int
    hold: int
    most: int

    @classmethod
    def of(cls, page_bytes: int) -> WalSizes:
        return cls(*(size // page_bytes for size in (CHECKPOINT_BYTES, REST_BYTES, HOLD_BYTES, WAL_MAX_BYTES)))


class Wal:
    """The WAL behind one writing connection. Only `copy` may run beside a commit, in another thread."""

    def __init__(self, path: Path, writer: Any, page_bytes: int) -> None:
        self.page_bytes = page_bytes
        self._path = path
        self._db = writer
        self._copier = open_copier(path)
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._sizes = WalSizes.of(page_bytes)
        self._written = 0
        """Bytes written since the last look, by an estimate."""
        self._pages = 0
        self._copied = False
        """Whether most of the WAL was copied while it grew; the rest is copied between two commits."""
        self._copying = False
        self._held = False

    def note_written(self, size_bytes: int) -> None:
        self._written += size_bytes

    def look(self) -> None:
        """Read its length if enough was written since the last time; to be called after a commit."""
        if self._written >= LOOK_EVERY_BYTES:
            self._written = 0
            with translated(self._path):
                _, self._pages, _ = checkpoint(self._db, "NOOP")

    @property
    def wants_copy(self) -> bool:
        return self._pages >= self._sizes.checkpoint and not self._copied

    @property
    def wants_rest(self) -> bool:
        """Whether the rest is to be copied between two commits, or commits have to wait for the copying."""
        return self._pages >= self._sizes.hold or (self._copied and not self._copying)

    @property
    def copying(self) -> bool:
        return self._copying

    def copy(self) -> None:
        """Copy it into the database, on a separate connection, until little is left. Raises StoreError."""
        self._copying = True
        try:
            self._copy()
        finally:
            self._copying = False
        self._copied = True

    def _copy(self) -> None:
        before = -1
        with translated(self._path):
            for _ in range(PASSES_MAX):
                checkpoint(self._copier, "PASSIVE")
                _, pages, copied = checkpoint(self._copier, "NOOP")
                if pages - copied <= self._sizes.rest or copied == before:  # all, or a reader blocks the rest
                    break
                before = copied
        try:
            # SQLite syncs the database in the pass that copies the last page; that pass runs between two commits, with
            # little left to wait for.
            os.fdatasync(self._file)
        except OSError as error:
            raise StoreBroken(f"{self._path} cannot be synced ({error.strerror}): check the disk") from error

    def copy_rest(self, *, idle: bool) -> None:
        """Copy the rest, after which the WAL starts again; between two commits. Raises StoreError."""
        with translated(self._path):
            _, pages, copied = checkpoint(self._db, "NOOP")
            if pages >= self._sizes.most:
                busy, _, _ = checkpoint(self._db, "TRUNCATE")
                self._note_held(bool(busy), pages)
            elif pages >= self._sizes.checkpoint or (idle and copied < pages):
                checkpoint(self._db, "PASSIVE")
        self._pages = self._written = 0
        self._copied = False

    def _note_held(self, held: bool, pages: int) -> None:
        """Log once that another process reads for so long that the WAL cannot start again."""
        if held and not self._held:
            mebibytes = pages * self.page_bytes >> 20
            log.warning(
                "the WAL grows: a reader holds it, end its transaction", path=str(self._path), mebibytes=mebibytes
            )
        self._held = held

    def close_copier(self) -> None:
        self._copier.close()

    def close(self) -> None:
        """After the writing connection: to close any descriptor of a file ends the process's locks on it (POSIX)."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
