"""Host statistics: the disk's free space, the process's memory, the lengths of evd's files, its certificate's end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from evd.model.daemon_state import DiskState


def disk_use(directory: Path, files: Mapping[str, Path], *, full: bool) -> DiskState:
    """`files` are the engine's (`evd.store.engines.Engine.files`); `full`: the last write found no space."""
    use: dict[str, int] = {}
    with suppress(OSError):
        disk = os.statvfs(directory)
        use |= {"free": disk.f_bavail * disk.f_frsize, "total": disk.f_blocks * disk.f_frsize}
    for name in {"database", "log"} & files.keys():
        with suppress(OSError):
            use[name] = files[name].stat().st_size
    return DiskState(**use, full=full)


def resident_bytes() -> int | None:
    """The memory that the process holds; None where the system does not say so."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def certificate_end(path: Path) -> float:
    """When the first certificate of a PEM chain ends, epoch s. Raises OSError, ValueError."""
    from cryptography import x509  # imported here because it takes long, and few instances serve TLS themselves

    end: datetime = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    return end.timestamp()
