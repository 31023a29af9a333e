"""Backups in a folder by their time: what a new one is called, and which old ones go."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

_NAME = re.compile(r"evd-\d{8}T\d{6}Z\.tar\.gz")


def name_at(now: int) -> str:
    """`evd-20260301T080000Z.tar.gz`; `now` is epoch ms. Names sort by time."""
    return f"evd-{datetime.fromtimestamp(now / 1000, UTC):%Y%m%dT%H%M%SZ}.tar.gz"


def rotate(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest `keep` backups, other files stay; returns those that are gone. Raises OSError."""
    found = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    old = found[: max(len(found) - keep, 0)]
    for path in old:
        path.unlink()
    return old
