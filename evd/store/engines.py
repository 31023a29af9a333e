"""The table of storage engines. A new one is a folder beside `sqlite` and a row here.

It keeps `evd.store.settings.Limits` and `evd.store.rules`, and passes `tests/store/contract/`, which needs to know how
it is filled and held (`tests/support/engine_faults.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from evd.store.copies import CopyReport, Examined
from evd.store.protocols import Database
from evd.store.queries import Queries
from evd.store.settings import StoreSettings
from evd.store.sql import SqlSession
from evd.store.sqlite.copying import copy, examine
from evd.store.sqlite.database import SqliteDatabase, files_of, fleet_command, queries_beside, schema_of
from evd.store.sqlite.integrity import find_damage
from evd.store.sqlite.sql_session import SqliteSession
from evd.store.sqlite.sqlite_library import SAFE_FROM, sqlite3


class Opener(Protocol):
    def __call__(self, path: Path, settings: StoreSettings, report: Callable[[str], None]) -> Database:
        """Open the database at `path`, or create it; `report` gets a text for each long step. Raises StoreError."""


class Engine(NamedTuple):
    """How an engine's database is opened, and where its files are."""

    open: Opener
    files: Callable[[Path], Mapping[str, Path]]
    """Its files, by purpose; statistics show `database` and `log`. They must stay the same files while it is open.
    Empty if it keeps nothing on this machine."""
    fleet_command: Callable[[Path], str]
    """A shell command that shows the fleet, one line for each vehicle, whether evd runs or not."""
    queries: Callable[[Path], AbstractAsyncContextManager[Queries]]
    """Queries in another process than the daemon's: they read in pages and hold nothing that the daemon waits for."""
    copy: Callable[[Path, Path, CopyReport], int]
    """Copy a database, in use or not, into a new file; returns how often that was begun again. Raises StoreError."""
    examine: Callable[[Path], Examined]
    """Read such a copy whole. Raises StoreRefused if it is not evd's or newer than this evd, or another StoreError."""
    find_damage: Callable[[Path], list[str]] = lambda path: []
    """What is damaged in the database, read beside a daemon. Raises StoreError."""
    schema: Callable[[Path], str] = lambda path: ""
    """The database's tables and views as text, without any of their rows. Raises StoreError."""
    sql: Callable[[Path], SqlSession] | None = None
    """Opens a session of a person's SQL; None: this engine speaks none. Raises StoreError."""
    library: tuple[tuple[int, ...], tuple[int, ...]] = ((0,), (0,))
    """The version of the library that reads and writes it, and the first one that is safe."""


ENGINES: dict[str, Engine] = {
    "sqlite": Engine(
        SqliteDatabase.open,
        files_of,
        fleet_command,
        queries_beside,
        copy,
        examine,
        find_damage,
        schema_of,
        SqliteSession,
        (sqlite3.sqlite_version_info, SAFE_FROM),
    )
}
"""Name → engine."""

DEFAULT = "sqlite"
