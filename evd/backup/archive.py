"""The archive of a backup: a tar file, packed if its name ends in .gz or .tgz, that is written and read as a stream."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from evd.backup.manifest import MANIFEST, MANIFEST_MAX_BYTES, Manifest, Member, decoded
from evd.errors import BackupError

CHUNK_BYTES = 1024 * 1024
PACKING = 1
"""Of gzip's nine levels: 100 MB/s instead of 20, for a file that is a tenth larger."""

Progress = Callable[[int], None]
"""Is called with the bytes of each step. What it raises ends the work."""


def is_packed(path: Path) -> bool:
    return path.suffix in (".gz", ".tgz")


def checksum(path: Path, progress: Progress) -> Member:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            progress(len(chunk))
    return Member(size, digest.hexdigest())


def write(path: Path, manifest: Manifest, files: Mapping[str, Path], progress: Progress) -> None:
    """Write the archive and sync it; only its owner may read it. `files`: member → the file. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with _opened(file, "w", packed=is_packed(path)) as tar:
            _add(tar, MANIFEST, io.BytesIO(manifest.encoded()), len(manifest.encoded()), manifest, lambda size: None)
            for name, source in files.items():
                with source.open("rb") as content:
                    _add(tar, name, content, manifest.files[name].bytes, manifest, progress)
        file.flush()
        os.fsync(descriptor)


@contextmanager
def _opened(file: IO[bytes], how: str, *, packed: bool) -> Iterator[tarfile.TarFile]:
    if how == "r":
        with tarfile.open(fileobj=file, mode="r|*", bufsize=CHUNK_BYTES) as tar:
            yield tar
    elif packed:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=PACKING, format=tarfile.GNU_FORMAT) as tar:
            yield tar
    else:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
            yield tar


class _Counted(io.RawIOBase):
    """A file whose reads are reported."""

    def __init__(self, content: IO[bytes], progress: Progress) -> None:
        self._content, self._progress = content, progress

    def read(self, size: int = -1) -> bytes:
        chunk = self._content.read(size)
        self._progress(len(chunk))
        return chunk


def _add(
    tar: tarfile.TarFile, name: str, content: IO[bytes], size: int, manifest: Manifest, progress: Progress
) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, manifest.made_ms // 1000
    tar.addfile(entry, _Counted(content, progress))


def read(path: Path, into: Path | None, progress: Progress) -> Manifest:
    """Read an archive and compare each file with the manifest; `into` is the folder that gets the files, if any.

    Raises BackupError for whatever is not as it was written.
    """
    try:
        with path.open("rb") as file, _opened(file, "r", packed=False) as tar:
            manifest = _manifest(tar, path)
            missing = dict(manifest.files)
            while (entry := tar.next()) is not None:
                member = missing.pop(entry.name, None)
                content = tar.extractfile(entry)
                if member is None or content is None or not entry.isreg() or entry.size != member.bytes:
                    raise BackupError(f"{path} is damaged: {entry.name[:60]!r} is not as its manifest says")
                _take(content, member, into and into / entry.name, f"{path} is damaged: {entry.name[:60]!r}", progress)
    except FileNotFoundError:
        raise BackupError(f"{path} does not exist") from None
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BackupError(f"{path} cannot be read as a backup ({error}): is it complete?") from None
    if missing:
        raise BackupError(f"{path} is damaged: it ends before {next(iter(missing))}")
    return manifest


def _manifest(tar: tarfile.TarFile, path: Path) -> Manifest:
    first = tar.next()
    content = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
    if first is None or content is None or first.size > MANIFEST_MAX_BYTES:
        raise BackupError(f"{path} is no backup of evd: its first member is no manifest")
    return decoded(content.read(), str(path))


def _take(content: IO[bytes], member: Member, target: Path | None, damaged: str, progress: Progress) -> None:
    digest = hashlib.sha256()
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(target or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
            progress(len(chunk))
        file.flush()
        if target is not None:
            os.fsync(descriptor)
    if digest.hexdigest() != member.sha256:
        raise BackupError(f"{damaged} has another checksum than when it was written")
