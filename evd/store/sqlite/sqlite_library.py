"""The process's one SQLite library, pysqlite3; also registered as `sqlite3`, so that aiosqlite uses it.

Two copies of SQLite in a process break each other's POSIX locks (sqlite.org/howtocorrupt.html, section 2.2.1), and
Debian 12's 3.40.1 has the WAL-reset bug (sqlite.org/changes.html, 3.53.0). Import `sqlite3` from here, and this module
before aiosqlite.
"""

from __future__ import annotations

import sys

import pysqlite3 as sqlite3

from evd.errors import StoreRefused

sys.modules["sqlite3"] = sqlite3
sys.modules["sqlite3.dbapi2"] = sqlite3.dbapi2

SAFE_FROM = (3, 51, 3)
"""The first release without the WAL-reset bug (3.7.0 to 3.51.2 have it)."""


def require_safe(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """Raise StoreRefused if this SQLite can corrupt a database in WAL mode."""
    if version < SAFE_FROM:
        have, need = (".".join(map(str, v)) for v in (version, SAFE_FROM))
        raise StoreRefused(f"SQLite {have} can corrupt its WAL: install a pysqlite3 that carries {need} or newer")


__all__ = ["require_safe", "sqlite3"]
