"""Opening the file: the library, the settings, whose it is, and what SQLite's errors mean."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import NOW, arrival, new_store, rows

from evd.errors import StoreAway, StoreBroken, StoreBusy, StoreDamaged, StoreError, StoreFull, StoreRefused
from evd.store.sqlite.connection import APPLICATION_ID, SCHEMA_VERSION, WRITER_PRAGMAS, explain, open_reader
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.sqlite_library import require_safe, sqlite3
from evd.store.sqlite.wal import CHECKPOINT_BYTES

Opener = Callable[..., SqliteDatabase]


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 50, 7), (3, 51, 2)])
def test_a_library_with_the_wal_reset_bug_is_refused(version: tuple[int, ...]) -> None:
    with pytest.raises(StoreRefused, match=r"can corrupt its WAL: install a pysqlite3 that carries 3\.51\.3"):
        require_safe(version)


@pytest.mark.parametrize("version", [(3, 51, 3), (3, 53, 4), (4, 0, 0)])
def test_a_library_without_it_is_fine(version: tuple[int, ...]) -> None:
    require_safe(version)


def test_the_process_has_one_sqlite_library() -> None:
    assert sys.modules["sqlite3"] is sqlite3
    require_safe()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("busy_timeout", 0),  # the writer tries again; the loop must not wait
        ("mmap_size", 0),
        ("trusted_schema", 0),
        ("cell_size_check", 1),
        ("foreign_keys", 1),
        ("wal_autocheckpoint", 0),
        ("journal_size_limit", 67108864),
    ],
)
def test_the_settings_of_the_writing_connection(open_store: Opener, pragma: str, value: object) -> None:
    """Read back from the connection, because SQLite ignores unknown pragmas."""
    (got,) = open_store()._db.execute(f"PRAGMA {pragma}").fetchone()
    assert got == value
    assert pragma in dict(WRITER_PRAGMAS)


def test_a_reader_cannot_write(open_store: Opener, database: Path) -> None:
    open_store()
    reader = open_reader(database)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM vehicles")
    reader.close()


def test_the_file_says_whose_it_is(open_store: Opener, database: Path) -> None:
    open_store()
    assert rows(database, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert rows(database, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    loose = (
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND sql NOT LIKE '%STRICT%'"
    )
    assert rows(database, loose) == []


def make_foreign(path: Path) -> None:
    connection = sqlite3.connect(str(path))
    connection.execute("CREATE TABLE songs (title TEXT)")
    connection.commit()
    connection.close()


def make_newer(path: Path) -> None:
    new_store(path).close()
    connection = sqlite3.connect(str(path))
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()


def make_text(path: Path) -> None:
    path.write_text("state of the fleet: fine\n" * 500)


def make_damaged(path: Path) -> None:
    new_store(path).close()
    data = bytearray(path.read_bytes())
    data[100:2000] = b"\xa5" * 1900  # the first page, behind SQLite's header
    path.write_bytes(data)


def make_garbled(path: Path) -> None:
    new_store(path).close()
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE ", b"CREATE TA\xdbLE "))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (make_foreign, "is no database of evd: name another directory, or move the file away"),
        (make_newer, f"has schema {SCHEMA_VERSION + 1}, this evd knows {SCHEMA_VERSION}: install"),
        (make_text, "is no SQLite database: restore a backup"),
        (make_damaged, "is damaged"),
        (make_garbled, "is damaged"),
    ],
)
def test_a_file_that_is_not_ours_to_write_is_refused_and_left_alone(
    open_store: Opener, database: Path, make: Callable[[Path], None], says: str
) -> None:
    make(database)
    before = database.read_bytes()
    with pytest.raises(StoreError, match=says) as caught:
        open_store()
    assert str(database) in str(caught.value)
    assert database.read_bytes() == before


def test_a_folder_that_is_not_there_is_named(open_store: Opener, tmp_path: Path) -> None:
    with pytest.raises(StoreAway, match="cannot be opened: check that its folder exists"):
        open_store(tmp_path / "missing" / "evd.db")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY, StoreBusy),
        (517, StoreBusy),  # SQLITE_BUSY_SNAPSHOT: extended codes are told by their low byte
        (sqlite3.SQLITE_FULL, StoreFull),
        (sqlite3.SQLITE_IOERR, StoreBroken),
        (1034, StoreBroken),  # SQLITE_IOERR_FSYNC
        (sqlite3.SQLITE_CORRUPT, StoreDamaged),
        (sqlite3.SQLITE_NOTADB, StoreRefused),
        (sqlite3.SQLITE_READONLY, StoreAway),
        (4874, StoreFull),  # SQLITE_IOERR_SHMSIZE: the log's index found no page on a full disk
        (sqlite3.SQLITE_NOMEM, StoreBroken),
        (None, StoreBroken),
    ],
)
def test_what_an_error_of_sqlite_means(code: int | None, kind: type[StoreError]) -> None:
    error = sqlite3.OperationalError("why")
    if code is not None:
        error.sqlite_errorcode = code
    meaning = explain(error, Path("/data/evd.db"))
    assert type(meaning) is kind
    assert "/data/evd.db" in str(meaning)


@pytest.mark.parametrize("page_bytes", [512, 1024, 4096, 16384])
def test_a_file_keeps_the_size_its_pages_were_made_with(
    open_store: Opener, database: Path, page_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as made:
        made.setattr("evd.store.sqlite.connection.PAGE_BYTES", page_bytes)
        new_store(database).close()
    store = open_store(capacity=50)
    assert rows(database, "PRAGMA page_size") == [(page_bytes,)]
    log = database.with_name("evd.db-wal")
    largest = 0
    for i in range(60):
        store.write([arrival(time=NOW + 20 * i + j, document=b"%06d" % (20 * i + j) * 10_000) for j in range(20)])
        store.maintain()
        largest = max(largest, log.stat().st_size)
    assert 0.5 * CHECKPOINT_BYTES < largest < 2 * CHECKPOINT_BYTES, "bounds are counted in its own pages"


def test_an_empty_file_is_no_database(database: Path) -> None:
    database.touch()
    with pytest.raises(StoreRefused, match="is empty: restore a backup"):
        new_store(database)
    assert database.stat().st_size == 0


def test_writing_needs_no_temporary_file_so_that_their_folder_may_be_full(open_store: Opener) -> None:
    """S01 of the field's cases: SQLITE_FULL came from a small /tmp, and was taken for the database's disk.

    pysqlite3's own SQLite is built so (TEMP_STORE=3); one that is built otherwise is told so.
    """
    store = open_store()
    store._db.execute("CREATE TEMP TABLE some AS SELECT ? AS text", ("x" * 1000,))
    for _ in range(14):  # 16 MiB: more than the cache holds
        store._db.execute("INSERT INTO temp.some SELECT text FROM temp.some")
    store._db.execute("CREATE INDEX temp.of_text ON some (text)")
    opened = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    assert not [path for path in opened if "etilqs" in path]
    store._db.execute("DROP TABLE temp.some")
