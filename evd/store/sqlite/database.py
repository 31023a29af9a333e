"""The SQLite engine as a whole: `SqliteStore` writes to a file, and readers beside it read the file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol, TypeVar

from evd.auth.access_tokens import AccessToken
from evd.auth.api_keys import Key
from evd.auth.sessions import Session
from evd.model.coarse import CoarseFor
from evd.store.records import StoredFormat
from evd.store.settings import StoreSettings
from evd.store.sqlite.connection import open_reader, translated
from evd.store.sqlite.engine import SqliteStore
from evd.store.sqlite.integrity import find_damage
from evd.store.sqlite.read.due_pushes import SqliteDuePushes
from evd.store.sqlite.read.event_state import SqliteEventState
from evd.store.sqlite.read.identity import living_sessions, living_tokens
from evd.store.sqlite.read.queries import SqliteQueries, open_queries
from evd.store.sqlite.read.waiting_metadata import SqliteWaitingMetadata


class _Closed(Protocol):
    def close(self) -> None: ...


_Reader = TypeVar("_Reader", bound=_Closed)


def files_of(path: Path) -> dict[str, Path]:
    """The database, its WAL and the WAL's index, which belong together."""
    return {
        "database": path,
        "log": path.with_name(f"{path.name}-wal"),
        "index": path.with_name(f"{path.name}-shm"),
    }


_FLEET = "SELECT vehicle, last_time, channel, state, current_charge, range, kept FROM fleet"


def fleet_command(path: Path) -> str:
    """For a shell that has SQLite's own command."""
    return f"sqlite3 -readonly -header -column {shlex.quote(str(path))} '{_FLEET}'"  # of a constant


_FACTS = ("application_id", "user_version", "page_size", "page_count", "freelist_count", "journal_mode")


def schema_of(path: Path) -> str:
    """See `evd.store.engines.Engine.schema`."""
    with translated(path):
        connection = open_reader(path)
        try:
            facts = [f"-- {name} = {connection.execute(f'PRAGMA {name}').fetchone()[0]}" for name in _FACTS]
            made = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
            return "\n".join([*facts, *(f"{sql};" for (sql,) in made)]) + "\n"
        finally:
            connection.close()


def queries_beside(path: Path) -> AbstractAsyncContextManager[SqliteQueries]:
    """See `evd.store.engines.Engine.queries`."""
    return open_queries(path)


class SqliteDatabase(SqliteStore):
    """See `evd.store.protocols.Database`."""

    def __init__(self, path: Path, settings: StoreSettings, report: Callable[[str], None] = lambda doing: None) -> None:
        super().__init__(path, settings, report)
        self._readers: list[_Closed] = []
        self._start = self._with(open_reader(path))

    @classmethod
    def open(cls, path: Path, settings: StoreSettings, report: Callable[[str], None]) -> SqliteDatabase:
        """See `evd.store.engines.Opener`."""
        return cls(path, settings, report)

    def living_keys(self) -> list[Key]:
        """See `Database.living_keys`."""
        return [
            Key(*row) for row in self._start.execute("SELECT id, role, digest, vehicle FROM keys WHERE revoked IS NULL")
        ]

    def living_sessions(self) -> list[Session]:
        """See `Database.living_sessions`."""
        return living_sessions(self._start)

    def living_tokens(self) -> list[AccessToken]:
        """See `Database.living_tokens`."""
        return living_tokens(self._start)

    def own_formats(self) -> list[tuple[str, str]]:
        """See `Database.own_formats`."""
        return list(self._start.execute("SELECT vehicle, format FROM vehicles WHERE format IS NOT NULL"))

    def ignored_vehicles(self) -> list[str]:
        """See `Database.ignored_vehicles`."""
        return [vehicle for (vehicle,) in self._start.execute("SELECT vehicle FROM ignored")]

    def aliases(self) -> list[tuple[str, str]]:
        """See `Database.aliases`."""
        return list(self._start.execute("SELECT vehicle, stands_for FROM aliases"))

    def coarse_locations(self) -> list[tuple[str, CoarseFor]]:
        """See `Database.coarse_locations`."""
        sql = "SELECT vehicle, coarse_location FROM vehicle_profiles WHERE coarse_location IS NOT NULL"
        return list(self._start.execute(sql))

    def type_formats(self) -> list[tuple[str, str]]:
        """See `Database.type_formats`."""
        return list(self._start.execute("SELECT device_type, format FROM device_types"))

    def named_formats(self) -> list[StoredFormat]:
        """See `Database.named_formats`."""
        return [StoredFormat(*row) for row in self._start.execute("SELECT name, grammar, fields FROM formats")]

    def due_pushes(self, kinds: Iterable[str]) -> SqliteDuePushes:
        """See `Database.due_pushes`."""
        return self._with(SqliteDuePushes(self.path, kinds))

    def waiting_metadata(self) -> SqliteWaitingMetadata:
        """See `Database.waiting_metadata`."""
        return self._with(SqliteWaitingMetadata(self.path))

    def event_state(self) -> SqliteEventState:
        """See `Database.event_state`."""
        return self._with(SqliteEventState(self.path))

    def queries(self, version: Callable[[], object]) -> AbstractAsyncContextManager[SqliteQueries]:
        """See `Database.queries`."""
        return open_queries(self.path, version)

    def find_damage(self) -> list[str]:
        """See `evd.store.sqlite.integrity`."""
        return find_damage(self.path)

    def close(self) -> None:
        """Checkpoint the WAL and close the file. Raises StoreHangs."""
        while self._readers:
            self._readers.pop().close()
        super().close()

    def _with(self, reader: _Reader) -> _Reader:
        """Register a reader, so that `close` closes it."""
        self._readers.append(reader)
        return reader
