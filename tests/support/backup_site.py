"""A directory in use, of which a backup is made."""

from __future__ import annotations

from pathlib import Path

STATUSES = "SELECT vehicle, id FROM ring ORDER BY vehicle, id"
SETTINGS = '[alerts]\nsmtp_password = "C4nary"  # the mail server\'s\n[log]\nlevel = "debug"\n'


class Silent:
    """Phases that nobody sees; `at_byte` raises once so many are done."""

    def __init__(self, stop_in: str = "") -> None:
        self.seen: list[str] = []
        self._stop_in = stop_in

    def begin(self, what: str, size_bytes: int | None) -> None:
        self.seen.append(what)

    def step(self, size_bytes: int) -> None:
        if self._stop_in and self.seen[-1] == self._stop_in:
            raise KeyboardInterrupt

    def at(self, done_bytes: int, size_bytes: int) -> None:
        self.step(0)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
