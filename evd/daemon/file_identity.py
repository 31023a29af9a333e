"""Whether the files that evd opened are still the ones that stand in its directory.

SQLite goes on with a file that was removed or replaced and says nothing, so 201 would promise what is gone with the
process. The log and its index belong to the database; without the lock's file a second evd would not know of this one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evd.errors import StoreBroken

EVERY_S = 1.0
"""Between two looks, of some 20 µs."""


class FileIdentity:
    """What stands there now is what must stay; it is asked in a thread, for a disk may hang."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._known = {path: found for path in paths if (found := _identity(path))}

    def check(self) -> None:
        """Raises StoreBroken, which says what became of which file."""
        for path, known in self._known.items():
            found = _identity(path)
            if found != known:
                what = "replaced" if found else "removed"
                raise StoreBroken(
                    f"{path} was {what} while evd ran, which can only end: stop evd before its files are touched, "
                    "and restore a backup if the database is gone"
                )


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode; None where there is nothing."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino
