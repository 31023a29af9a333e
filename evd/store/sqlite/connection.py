"""The database file: open it for writing or reading, upgrade its schema, and translate SQLite's errors."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from evd.errors import StoreAway, StoreBroken, StoreBusy, StoreDamaged, StoreError, StoreFull, StoreRefused
from evd.store.sqlite.old_secrets import add_functions
from evd.store.sqlite.sqlite_library import require_safe, sqlite3
from evd.store.sqlite.upgrade_copy import keep_copy
from evd.store.sqlite.views import drop_views_sql, views_are_current, views_sql

APPLICATION_ID = 0x65766431  # "evd1"
SCHEMA_VERSION = 10
PAGE_BYTES = 1024
"""Page size of new files. Each page that a callback changes is written twice, whole: to the WAL, and later to the
database. Three statuses of a Sigfox callback (330 bytes) fill a page of 1,024; rows above 1 KB would prefer a larger
page (docs/performance.md). An older file keeps its page size."""

#: Setting → value, with its reason; read back after opening, because SQLite ignores unknown settings.
WRITER_PRAGMAS: tuple[tuple[str, int | str], ...] = (
    ("journal_mode", "wal"),
    ("synchronous", 2),  # FULL: NORMAL lost acknowledged rows in each simulated power cut (sqlite.org/pragma.html)
    ("busy_timeout", 2000),  # ms, at the start; a foreign writer (Litestream) holds the lock for less
    ("wal_autocheckpoint", 0),  # SQLite's own checkpoint hides fsync errors; Store.checkpoint reports them
    ("journal_size_limit", 64 * 1024 * 1024),
    ("mmap_size", 0),  # an I/O error in a mapped page is a signal, not an error
    (
        "temp_store",
        2,
    ),  # memory, the default of pysqlite3's SQLite: a full /tmp must neither stop evd nor look like a full disk
    ("cache_size", -8_192),  # KiB: inner pages; a commit that split a page walks through the whole cache
    ("foreign_keys", 1),
    ("trusted_schema", 0),
    ("cell_size_check", 1),
    ("secure_delete", 1),  # always: a page that was split before a deletion keeps copies of rows otherwise
)


def open_writer(path: Path, report: Callable[[str], None] = lambda doing: None) -> Any:
    """The writing connection, made with its schema where the file is new; `report` is called with what takes long.

    Raises StoreRefused (not evd's file, newer than this evd), StoreDamaged or another StoreError.
    """
    require_safe()
    if path.exists() and path.stat().st_size == 0:  # SQLite would delete its WAL and start a new database
        raise StoreRefused(f"{path} is empty: restore a backup, or remove it and run `evd init`")
    with translated(path):
        connection = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False, cached_statements=256)
        try:
            report("recovering the WAL")
            version = version_of(connection, path)  # before anything is set: another program's file must not change
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # has an effect only before the first table
            for name, value in WRITER_PRAGMAS:
                connection.execute(f"PRAGMA {name} = {value}")
            if version == 0:
                _create_schema(connection)
            elif version < SCHEMA_VERSION:
                keep_copy(connection, path, version, report)
                report(f"upgrading the database from schema {version} to {SCHEMA_VERSION}")
                _upgrade(connection, version)
            elif not views_are_current(connection):
                _in_one_transaction(connection, f"{drop_views_sql()}\n{views_sql()}")
            for name, value in WRITER_PRAGMAS:
                (got,) = connection.execute(f"PRAGMA {name}").fetchone()
                if got != value:
                    raise StoreRefused(f"{path}: SQLite keeps {name} at {got}, evd needs {value}: is the disk local?")
        except BaseException:
            connection.close()
            raise
    return connection


def open_copier(path: Path) -> Any:
    """A connection for checkpoints only, with the writing connection's settings for syncs."""
    return _connected(f"{_uri(path)}?mode=rw", COPIER_PRAGMAS)


COPIER_PRAGMAS = ("PRAGMA synchronous = 2", "PRAGMA busy_timeout = 0", "PRAGMA wal_autocheckpoint = 0")


def checkpoint(connection: Any, mode: str) -> tuple[int, int, int]:
    """Checkpoint; returns (busy, pages in the WAL, pages copied). The mode NOOP copies nothing."""
    busy, log_pages, copied = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    return busy, log_pages, copied


def preallocate_wal(connection: Any, path: Path, size_bytes: int) -> None:
    """Fill the WAL's file with zeros up to `size_bytes`; SQLite overwrites them, and does not read them as frames.

    Syncing overwritten bytes takes a sixth less time, because the file needs no new blocks and its length does not
    change. If the disk is too full, the file stays as it was. Raises StoreError.
    """
    log_path = path.with_name(f"{path.name}-wal")
    with translated(path):
        connection.execute("BEGIN IMMEDIATE")  # no other process may append to the WAL meanwhile
    log = -1
    try:
        log = os.open(log_path, os.O_WRONLY | os.O_CLOEXEC)
        end = os.fstat(log).st_size
        try:
            while (missing := size_bytes - os.fstat(log).st_size) > 0:
                os.pwrite(log, bytes(min(missing, ZEROS_BYTES)), size_bytes - missing)
            os.fdatasync(log)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            os.ftruncate(log, end)
    except OSError as error:
        raise StoreBroken(f"{log_path} cannot be written ({error.strerror}): check the disk") from error
    finally:
        if log >= 0:
            os.close(log)
        connection.execute("ROLLBACK")


ZEROS_BYTES = 1024 * 1024
"""Bytes of one write."""


def open_reader(path: Path) -> Any:
    """A read-only connection for one thread."""
    return _connected(reader_uri(path), READER_PRAGMAS)


READER_PRAGMAS = (
    *("PRAGMA query_only = 1", "PRAGMA busy_timeout = 2000", "PRAGMA mmap_size = 0"),
    "PRAGMA cache_size = -512",  # KiB: inner pages; there are a dozen readers, and the kernel keeps the rest
)


def reader_uri(path: Path) -> str:
    return f"{_uri(path)}?mode=ro"


def _uri(path: Path) -> str:
    return f"file:{quote(str(path.absolute()))}"


def _connected(uri: str, pragmas: tuple[str, ...]) -> Any:
    """Open a connection to a file that must exist."""
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    for pragma in pragmas:
        connection.execute(pragma)
    return connection


def version_of(connection: Any, path: Path) -> int:
    """The schema's version, 0 for an empty file. Raises StoreRefused if it is not evd's or newer than this evd."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables == 0:
        return 0
    if application != APPLICATION_ID or version < 1:
        raise StoreRefused(f"{path} is no database of evd: name another directory, or move the file away")
    if version > SCHEMA_VERSION:
        raise StoreRefused(
            f"{path} has schema {version}, this evd knows {SCHEMA_VERSION}: "
            "install the evd that wrote it, or a newer one"
        )
    return int(version)


def _create_schema(connection: Any) -> None:
    sql = [*(_sql(part) for part in PARTS), f"PRAGMA application_id = {APPLICATION_ID};"]
    _in_one_transaction(connection, "\n".join(sql))


def _upgrade(connection: Any, version: int) -> None:
    """Upgrade an older file to this schema step by step, in one transaction, and create evd's views again."""
    steps = [drop_views_sql()]
    steps += [_sql(part) for part, versions in STEPS if version in versions]
    add_functions(connection)
    _in_one_transaction(connection, "\n".join(steps))


SINCE_7 = ("identity", "sharing", "derived", "profiles")
"""Parts with new tables of schema 7."""

SINCE_8 = ("firestore", "images")
"""The same of schema 8."""

SINCE_9 = ("derived_open",)

SINCE_10 = ("forgotten",)

PARTS = ("schema", "network", "push", "overflow", *SINCE_7, *SINCE_8, *SINCE_9, *SINCE_10, "views")
"""Parts of a new file's schema."""

#: Upgrade step → the versions that need it. Parts of the schema that are created anew have this version's columns; the
#: other tables are altered.
STEPS: tuple[tuple[str, range], ...] = (
    ("upgrade_3", range(1, 3)),  # 1 and 2 have the same tables
    ("network", range(1, 3)),
    ("upgrade_5_network", range(3, 5)),
    ("upgrade_4", range(1, 4)),
    ("push", range(1, 4)),
    ("upgrade_5_push", range(4, 5)),
    ("upgrade_5", range(1, 5)),
    ("upgrade_6", range(4, 6)),
    ("upgrade_6_rejected", range(1, 6)),
    ("overflow", range(1, 5)),
    ("upgrade_7", range(1, 7)),
    ("upgrade_7_push", range(4, 7)),
    *((part, range(1, 7)) for part in SINCE_7),
    ("upgrade_8", range(7, 8)),  # files before have these tables anew, from SINCE_7
    ("upgrade_9", range(7, 9)),  # the same
    *((part, range(1, 8)) for part in SINCE_8),
    *((part, range(1, 9)) for part in SINCE_9),
    ("upgrade_9_rows", range(7, 9)),
    *((part, range(1, 10)) for part in SINCE_10),
    ("views", range(1, 10)),
    ("upgrade_5_rows", range(1, 5)),
    ("upgrade_4_rows", range(1, 4)),
)


def _in_one_transaction(connection: Any, sql: str) -> None:
    connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;")


def _sql(name: str) -> str:
    if name == "views":
        return views_sql()
    return resources.files("evd.store.sqlite").joinpath("schema", f"{name}.sql").read_text("utf-8")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translate SQLite's errors to StoreErrors, by what must happen next."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, path) from error
    except UnicodeDecodeError as error:  # SQLite's words of a damaged schema quote it
        raise StoreDamaged(f"{path} is damaged (it has texts that are not UTF-8): restore a backup") from error


PROBE_BYTES = 64 * 1024


def quota_is_used_up(path: Path) -> bool:
    """Whether a file beside `path` cannot grow for lack of space or quota (EDQUOT).

    SQLite reports only ENOSPC as a full disk, and gives no detail of other errors.
    """
    probe = path.with_name(f"{path.name}-probe")
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            return os.pwrite(descriptor, bytes(PROBE_BYTES), 0) < PROBE_BYTES
        finally:
            os.close(descriptor)
            probe.unlink()
    except OSError as error:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)


IOERR_OF_WRITING = frozenset({sqlite3.SQLITE_IOERR | 3 << 8, sqlite3.SQLITE_IOERR})
"""SQLITE_IOERR_WRITE; and SQLITE_IOERR, because pysqlite3 gives no detail for a checkpoint. A checkpoint may be
repeated after any error: it counts nothing as copied before it is synced."""

IOERR_SHMSIZE = sqlite3.SQLITE_IOERR | 19 << 8
"""The WAL's index had to grow by a page and the disk had none: a full disk by another name."""

_BY_CODE: dict[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_BUSY: (StoreBusy, "another process is writing to {path}: it must let go of the lock"),
    sqlite3.SQLITE_LOCKED: (StoreBusy, "another connection is writing to {path}: it must let go of the lock"),
    sqlite3.SQLITE_FULL: (StoreFull, "the disk of {path} is full: nothing is taken until there is space"),
    sqlite3.SQLITE_NOTADB: (StoreRefused, "{path} is no SQLite database: restore a backup, or move the file away"),
    sqlite3.SQLITE_CORRUPT: (StoreDamaged, "{path} is damaged ({error}): restore a backup"),
    sqlite3.SQLITE_CANTOPEN: (StoreAway, "{path} cannot be opened: check that its folder exists and who owns it"),
    sqlite3.SQLITE_READONLY: (StoreAway, "{path} may only be read: check who owns it and how the disk is mounted"),
}


def explain(error: Exception, path: Path) -> StoreError:
    code = getattr(error, "sqlite_errorcode", None) or 0
    full = code == IOERR_SHMSIZE or (code in IOERR_OF_WRITING and quota_is_used_up(path))
    meant = sqlite3.SQLITE_FULL if full else code & 0xFF
    kind, text = _BY_CODE.get(meant, (StoreBroken, "{path} failed ({error}): check the disk and the system's log"))
    return kind(text.format(path=path, error=error))
