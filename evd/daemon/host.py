"""What evd stands on: the space on its disk, the lengths of its files, the end of its certificate."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from evd.config.data_dir import DataDirectory
from evd.model.daemon_state import DiskState


def disk_use(place: DataDirectory, *, full: bool) -> DiskState:
    use: dict[str, int] = {}
    with suppress(OSError):
        disk = os.statvfs(place.directory)
        use |= {"free": disk.f_bavail * disk.f_frsize, "total": disk.f_blocks * disk.f_frsize}
    for name, path in (
        ("database", place.database),
        ("log", place.database.with_name(f"{place.database.name}-wal")),
    ):
        with suppress(OSError):
            use[name] = path.stat().st_size
    return DiskState(**use, full=full)


def certificate_end(path: Path) -> float:
    """When the first certificate of a PEM chain ends, epoch s. Raises OSError, ValueError."""
    from cryptography import x509  # only here, for it takes a while and few instances speak TLS themselves

    end: datetime = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    return end.timestamp()
