"""A restore: an archive is read and examined beside the present files, and takes their place only when all is right."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from evd.backup import archive
from evd.backup.manifest import DATABASE, IMAGES, SETTINGS, Manifest
from evd.backup.taking import Phases
from evd.config.data_dir import DataDirectory, Lock, left_to_owner, sync_folder
from evd.config.heartbeat import Heartbeat
from evd.errors import AlreadyRunning, BackupError
from evd.store.engines import DEFAULT, ENGINES

STAGING = ".evd-restore-"


class Restored(NamedTuple):
    """`kept` is the folder with what was there before; None if the place was empty."""

    manifest: Manifest
    kept: Path | None


def check(file: Path, phases: Phases) -> Manifest:
    """Read a backup whole, as a restore would, and keep nothing. Raises EvdError."""
    with tempfile.TemporaryDirectory(prefix=STAGING, dir=file.absolute().parent) as staging:
        return _read(file, Path(staging), phases)


def restore(file: Path, data_dir: DataDirectory, now: int, phases: Phases, *, replace: bool = False) -> Restored:
    """Put a backup's files into the directory, which must be empty of them unless `replace`; then they are kept.

    No evd may run there. Until the last step, nothing of what is there has changed. Raises EvdError.
    """
    directory = data_dir.directory
    occupied = data_dir.database.exists()
    if occupied and not replace:
        raise BackupError(
            f"{directory} holds an evd.db: --replace puts the backup in its place, and keeps what is there now"
        )
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(f"{directory} cannot be made ({error.strerror}): name another one with --dir") from None
    with left_to_owner(directory):
        try:
            lock = Lock(data_dir, brief=True)
        except AlreadyRunning as error:
            raise AlreadyRunning(f"{error} (`systemctl stop evd evd.socket`): its database would be replaced") from None
        try:
            with tempfile.TemporaryDirectory(prefix=STAGING, dir=directory) as staging:
                manifest = _read(file, Path(staging), phases)
                kept = _put_aside(data_dir, now) if occupied else None
                _put_in_place(Path(staging), directory)
            # evd took callbacks up to the backup's time, so that its next start says what is to be fetched again.
            Heartbeat(directory / "alive").note(manifest.made_ms)
        finally:
            lock.release(orderly=True)
        _own(directory)
    return Restored(manifest, kept)


def _read(file: Path, staging: Path, phases: Phases) -> Manifest:
    """Raises EvdError unless all is as it was when the backup was made."""
    phases.begin("unpacking", None)
    manifest = archive.read(file, staging, phases.step)
    phases.begin("checking", None)
    examined = ENGINES[DEFAULT].examine(staging / DATABASE)
    if examined.damage:
        raise BackupError(f"the database in {file} is damaged: {examined.damage[0]}")
    wrong = [table for table, rows in manifest.rows.items() if examined.rows.get(table) != rows]
    if wrong:
        raise BackupError(f"the database in {file} has other rows in {wrong[0]} than when the backup was made")
    return manifest


def _put_aside(data_dir: DataDirectory, now: int) -> Path:
    """Move what a backup has into a folder of its own; returns the folder."""
    stamp = f"{datetime.fromtimestamp(now / 1000, UTC):%Y%m%dT%H%M%SZ}"
    kept = data_dir.directory / f"before-restore-{stamp}"
    kept.mkdir(mode=0o700)
    files = [*ENGINES[DEFAULT].files(data_dir.database).values(), data_dir.settings]
    for path in (*files, data_dir.directory / IMAGES.rstrip("/")):
        if path.exists():
            path.rename(kept / path.name)
    return kept


def _put_in_place(staging: Path, directory: Path) -> None:
    """The database comes last: without it the directory holds none."""
    for name in (IMAGES.rstrip("/"), SETTINGS, DATABASE):
        if (staging / name).exists():
            target = directory / name
            if target.is_dir():  # images without a database: of no use to anybody
                shutil.rmtree(target)
            (staging / name).rename(target)
    sync_folder(directory)


def _own(directory: Path) -> None:
    """Give the images to the directory's owner, too, if root restored them."""
    owner = directory.stat()
    if os.geteuid() == 0 != owner.st_uid:
        for folder, _, files in os.walk(directory / IMAGES.rstrip("/")):
            for name in (folder, *(os.path.join(folder, one) for one in files)):  # noqa: PTH118
                os.chown(name, owner.st_uid, owner.st_gid, follow_symlinks=False)
