"""When evd last took callbacks: a small file with a time in it, by which the next start knows how long evd was down.

The time is the file's content and not its date, which a copy or a restore would change. It is not synced: after a power
failure it may be some seconds older, and the outage then seems that much longer.
"""

from __future__ import annotations

import os
from pathlib import Path

_DIGITS = 13  # epoch ms until the year 2286; a fixed length, so that an overwrite leaves nothing of the old value


class Heartbeat:
    """`path` is the file; times are epoch ms."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def last(self) -> int | None:
        """None if it is not known: at the first start, or if the file has other content."""
        try:
            with self._path.open("rb") as file:
                text = file.read(_DIGITS + 2)
        except OSError:
            return None
        text = text.strip()
        return int(text) if len(text) == _DIGITS and text.isdigit() else None

    def note(self, now: int) -> None:
        """Raises OSError."""
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(file, f"{now:0{_DIGITS}d}\n".encode(), 0)
        finally:
            os.close(file)
