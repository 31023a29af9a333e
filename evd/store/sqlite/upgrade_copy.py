"""A copy of the database before its schema is upgraded, for who must go back to the evd that wrote it.

There is at most one, of the last upgrade. An upgrade never waits for it: without room, or if it fails, there is none.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from evd.log.logger import log
from evd.store.sqlite.sqlite_library import sqlite3

TIMES = 2
"""Free space that the upgrade must find, in sizes of the database: the copy, and a WAL with every page rewritten."""

SPARE_BYTES = 256 * 1024 * 1024
"""What stays free beside that, for callbacks."""

FROM_SCHEMA = 6
"""Older files hold secrets of refused requests, which their upgrade masks: no copy must keep those."""

STEP_PAGES = 4096
"""Pages between two reports: 4 MiB."""


def copy_of(path: Path, version: int) -> Path:
    return path.with_name(f"{path.name}.schema-{version}")


def keep_copy(
    connection: Any, path: Path, version: int, report: Callable[[str], None], *, free_bytes: int | None = None
) -> Path | None:
    """Copy the database of schema `version`; None if it was not possible, which the log then says."""
    if version < FROM_SCHEMA:
        return None
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    free = shutil.disk_usage(path.parent).free if free_bytes is None else free_bytes
    needed = TIMES * pages * page_bytes + SPARE_BYTES
    if free < needed:
        log.warning("no copy of the database before its upgrade: the disk has no room", free=free, needed=needed)
        return None
    target = copy_of(path, version)
    unfinished = target.with_name(f"{target.name}.new")
    try:
        _copy(connection, unfinished, path.stat().st_mode & 0o777, report)
        unfinished.replace(target)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            unfinished.unlink()
        log.warning("no copy of the database before its upgrade", reason=str(error))
        return None
    for other in path.parent.glob(f"{path.name}.schema-*"):
        if other != target:
            other.unlink(missing_ok=True)
    log.info("the database as it was before the upgrade is kept", path=str(target), schema=version)
    return target


def _copy(connection: Any, target: Path, mode: int, report: Callable[[str], None]) -> None:
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, mode)
        written = sqlite3.connect(str(target), isolation_level=None)
        try:
            written.execute("PRAGMA synchronous = 0")  # synced at the end
            written.execute("PRAGMA journal_mode = off")

            def say(status: int, remaining: int, pages: int) -> None:
                report(f"copying the database before its upgrade, {100 * (pages - remaining) // max(pages, 1)} %")

            connection.backup(written, pages=STEP_PAGES, progress=say)
            written.execute("PRAGMA journal_mode = delete")  # the source's header says WAL; the copy is one file
        finally:
            written.close()
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
