"""Whether the files that evd opened are still the ones in its directory.

SQLite continues silently with a file that was removed or replaced, so 201 would promise what is lost with the process.
The WAL and its index belong to the database; without the lock file a second evd would not notice this one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evd.errors import StoreBroken

EVERY_S = 1.0
"""Between two checks, of some 20 µs each."""


class FileIdentity:
    """Remembers the files as they are now. Call `check` in a thread, because a disk may hang."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._known = {path: found for path in paths if (found := _identity(path))}

    def check(self) -> None:
        """Raises StoreBroken, which names the file and what happened to it."""
        for path, known in self._known.items():
            found = _identity(path)
            if found != known:
                what = "replaced" if found else "removed"
                raise StoreBroken(
                    f"{path} was {what} while evd was running, so evd must end: stop evd before you change its files, "
                    "and restore a backup if the database is gone"
                )


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode; None if there is no file."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino
