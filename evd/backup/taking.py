"""A backup: the database's copy of one moment, the settings and the images, in one archive that was read again."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from evd.backup import archive
from evd.backup.manifest import DATABASE, FORMAT, IMAGES, SETTINGS, Manifest
from evd.backup.settings_text import without_secrets
from evd.config.data_dir import DataDirectory, sync_folder
from evd.errors import BackupError
from evd.store.engines import DEFAULT, ENGINES
from evd.version import VERSION

STAGING = ".evd-backup-"
"""Begin of the name of the folder beside the archive in which it is made."""

IMAGES_MAX = 100_000


class Phases(Protocol):
    """Shows how far the work is. `step` and `at` may raise, which ends it and leaves nothing behind."""

    def begin(self, what: str, size_bytes: int | None) -> None:
        """A phase of this many bytes; None: it is not known."""

    def step(self, size_bytes: int) -> None:
        """So many more bytes are done."""

    def at(self, done_bytes: int, size_bytes: int) -> None:
        """So many bytes of so many are done."""


class Taken(NamedTuple):
    """A finished backup; `again`: how often the copy was begun anew; `leftovers` of runs that broke off are gone."""

    manifest: Manifest
    size_bytes: int
    again: int
    leftovers: int


def take(data_dir: DataDirectory, target: Path, now: int, phases: Phases, *, secrets: bool = False) -> Taken:
    """Write the backup `target`; the file has its name once it was read again. Raises EvdError.

    With `secrets`, the settings' secrets are in it, too.
    """
    engine = ENGINES[DEFAULT]
    leftovers = remove_leftovers(target.parent)
    _require_space(data_dir.database, target.parent)
    with _staging(target.parent) as staging:
        copy = staging / DATABASE
        phases.begin("copying", None)
        again = engine.copy(data_dir.database, copy, phases.at)
        phases.begin("checking", None)
        examined = engine.examine(copy)
        if examined.damage:
            raise BackupError(f"{data_dir.database} is damaged ({examined.damage[0]}): restore the last good backup")
        files: dict[str, Path] = {DATABASE: copy}
        left_out: list[str] = []
        if data_dir.settings.exists():
            text, left_out = without_secrets(data_dir.settings.read_text("utf-8"), keep=secrets)
            files[SETTINGS] = staging / SETTINGS
            files[SETTINGS].write_text(text, "utf-8")
        made = staging / target.name
        with _refusing(target):
            files.update(_images(data_dir.directory))
            phases.begin("reading", sum(path.stat().st_size for path in files.values()))
            members = {name: archive.checksum(path, phases.step) for name, path in files.items()}
            manifest = Manifest(
                FORMAT, VERSION, examined.schema, now, socket.gethostname(), examined.rows, members, left_out
            )
            phases.begin("packing" if archive.is_packed(target) else "writing", _total(manifest))
            archive.write(made, manifest, files, phases.step)
        phases.begin("verifying", _total(manifest))
        archive.read(made, None, phases.step)
        made.rename(target)
    sync_folder(target.parent)
    return Taken(manifest, target.stat().st_size, again, leftovers)


def remove_leftovers(folder: Path) -> int:
    """Remove what runs left that broke off (a kill, a power failure); returns how many there were."""
    found = [path for path in folder.glob(f"{STAGING}*") if path.is_dir() and not _is_in_use(path)]
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return len(found)


def _is_in_use(staging: Path) -> bool:
    """Whether the process in its name lives."""
    number = staging.name.removeprefix(STAGING).partition("-")[0]
    return number.isdigit() and Path(f"/proc/{number}").exists()


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    try:
        made = tempfile.mkdtemp(prefix=f"{STAGING}{os.getpid()}-", dir=folder)
    except OSError as error:
        raise BackupError(f"{folder} cannot be written ({error.strerror}): name another place") from None
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _refusing(target: Path) -> Iterator[None]:
    """A picture may be removed while it is read, and the disk may become full while the archive is written."""
    try:
        yield
    except FileNotFoundError as error:
        raise BackupError(f"{error.filename} was removed while it was read: run the backup again") from None
    except PermissionError as error:
        raise BackupError(f"{error.filename} may not be read: run the backup as the user of evd, or as root") from None
    except OSError as error:
        raise BackupError(f"{target} cannot be written ({error.strerror}): make room, or name another place") from None


def _require_space(database: Path, folder: Path) -> None:
    needed, free = 2 * database.stat().st_size + (16 << 20), shutil.disk_usage(folder).free
    if free < needed:
        raise BackupError(
            f"{folder} has {free >> 20} MiB free, and a copy and its archive may need {needed >> 20} MiB: "
            "name a place on another disk"
        )


def _images(directory: Path) -> dict[str, Path]:
    """Member → file; links and unfinished files are left out."""
    folder = directory / IMAGES.rstrip("/")
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    if len(found) > IMAGES_MAX:
        raise BackupError(f"{folder} has {len(found)} files, more than {IMAGES_MAX}: back it up by itself")
    return {f"{IMAGES}{path.relative_to(folder)}": path for path in found}


def _total(manifest: Manifest) -> int:
    return sum(member.bytes for member in manifest.files.values())
