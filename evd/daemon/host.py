"""Host statistics: the free space of the disk, the lengths of evd's files, the end of its certificate."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from evd.config.data_dir import DataDirectory


def disk_use(place: DataDirectory) -> dict[str, int]:
    """Bytes: `free` (what evd may still write), `total`, `database` and `log` (the WAL); unknown ones are left out."""
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
    return use


def certificate_end(path: Path) -> float:
    """When the first certificate of a PEM chain ends, epoch s. Raises OSError, ValueError."""
    from cryptography import x509  # imported here because it takes long, and few instances serve TLS themselves

    end: datetime = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    return end.timestamp()
