"""The SQLite engine: its file, its log and its upgrades, and what each of SQLite's errors leads to."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from builders import NOW, arrival, new_store, prepare, ring_of, rows
from folders import SUPPORT

from evd.errors import StoreBroken, StoreBusy, StoreError, StoreFull, StoreRefused
from evd.model.operations import Register, Reject, SetVehicle, Several, Stored
from evd.model.retention import Verdict
from evd.model.units import DAY_MS
from evd.store.sqlite.connection import APPLICATION_ID, SCHEMA_VERSION, WRITER_PRAGMAS, checkpoint, explain, open_reader
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.engine import LOG_READY_BYTES
from evd.store.sqlite.integrity import find_damage
from evd.store.sqlite.sqlite_library import require_safe, sqlite3
from evd.store.sqlite.wal import CHECKPOINT_BYTES
from evd.store.writer import Writer

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


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (make_foreign, "is no database of evd: name another directory, or move the file away"),
        (make_newer, f"has schema {SCHEMA_VERSION + 1}, this evd knows {SCHEMA_VERSION}: install"),
        (make_text, "is no SQLite database: restore a backup"),
        (make_damaged, "is damaged"),
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


STATUS_COLUMNS = "place, timely, time, seq, id, received, connectivity, payload, fields, document, flags"


def old_database(path: Path, version: int) -> None:
    """A file as an older evd left it: a vehicle heard three times, the ring's shape as of the first one."""
    connection = sqlite3.connect(str(path))
    connection.executescript((SUPPORT / f"schema_{max(version, 2)}.sql").read_text("utf-8"))
    connection.executescript(
        f"""
        CREATE VIEW fleet AS SELECT vehicle FROM vehicles;
        INSERT INTO meta VALUES ('statuses_per_vehicle', 10);
        INSERT INTO vehicles (number, vehicle, slots, kept, newest, created) VALUES
            (1, '386625', 10, 1, 0, {NOW}), (2, 'SILENT', 10, 0, -1, {NOW});
        PRAGMA application_id = {APPLICATION_ID};
        PRAGMA user_version = {version};"""
    )
    for slot in range(3):
        old = arrival(time=NOW + slot * 1000, seq=2 * slot)
        values = (old.timely, old.time, old.seq, old.status_id, old.received, 1, old.payload, "{}", "{}", "")
        row = (1 << 20) + slot, *values
        connection.execute(f"INSERT INTO statuses ({STATUS_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.commit()
    connection.close()


def schema_of(path: Path) -> dict[str, Any]:
    """Each view with its text, each table with its columns."""
    found = rows(path, "SELECT name, type, sql FROM sqlite_schema WHERE type IN ('view', 'table')")
    columns = 'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)'
    return {name: sql if kind == "view" else rows(path, columns, name) for name, kind, sql in found}


@pytest.mark.parametrize("version", [1, 2, 4, 5, 6, 7])
def test_a_file_of_an_older_evd_gets_the_tables_and_views_of_this_one(
    open_store: Opener, database: Path, tmp_path: Path, version: int
) -> None:
    old_database(database, version)
    open_store()
    fresh = tmp_path / "fresh.db"
    open_store(fresh)
    assert schema_of(database) == schema_of(fresh)
    assert rows(database, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert ring_of(database) == [arrival(time=NOW + slot * 1000, seq=2 * slot).status_id for slot in range(3)]


def test_registrations_of_an_older_evd_keep_their_kinds_and_no_number_is_given_again(
    open_store: Opener, database: Path
) -> None:
    old_database(database, 5)
    connection = sqlite3.connect(str(database))
    kinds = ("token", "fid", "webhook", "token")
    for number, kind in enumerate(kinds, start=1):
        values = (number, f"target {number}", kind, NOW, NOW)
        sql = "INSERT INTO registrations VALUES (?, '386625', ?, ?, '386625', 'anna', ?, ?, 'v1')"
        connection.execute(sql, values)
    connection.execute("DELETE FROM registrations WHERE number = 4")
    connection.commit()
    connection.close()
    store = open_store()
    store.write([Register("386625", "386625", "new", "berta", NOW, "fid")])
    found = rows(database, "SELECT number, token, kind FROM registrations ORDER BY number")
    assert found == [(1, "target 1", "token"), (2, "target 2", "fid"), (3, "target 3", "webhook"), (5, "new", "fid")]
    assert rows(database, "SELECT kind FROM target_kinds WHERE personal ORDER BY kind") == [("fid",), ("token",)]


@pytest.mark.parametrize("slots", [5, 8], ids=["full", "room left"])
@pytest.mark.parametrize("future", [1, 3, 5])
def test_what_lay_in_the_future_goes_beside_the_circles(
    open_store: Opener, database: Path, slots: int, future: int
) -> None:
    """At schema 4 it stood lowest in the circle."""
    old_database(database, 4)
    connection = sqlite3.connect(str(database))
    connection.execute("DELETE FROM statuses")
    said = [arrival(time=NOW + 9 * DAY_MS + i) for i in range(future)] + [
        arrival(time=NOW + i) for i in range(5 - future)
    ]
    for index, one in enumerate(said):
        row = ((1 << 20) + (index + 2) % slots, one.timely, one.time, 0, one.status_id, NOW, 1, b"", "{}", "{}", "")
        connection.execute(f"INSERT INTO statuses ({STATUS_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    shape = (slots, 5, 6 % slots)
    connection.execute("UPDATE vehicles SET slots = ?, kept = ?, newest = ? WHERE number = 1", shape)
    connection.commit()
    connection.close()
    store = open_store(capacity=slots)
    assert ring_of(database) == [one.status_id for one in said]
    assert rows(database, "SELECT taken, overflow FROM capacities WHERE number = 1") == [(5 - future, future)]
    late, newer = arrival(time=NOW - 5), arrival(time=NOW + 50)
    results = store.write([*said, newer, late])
    assert [result.verdict for result in results[:5]] == [Verdict.DUPLICATE] * 5
    expected = [*said[:future], late, *said[future:], newer]
    assert ring_of(database) == [one.status_id for one in expected[-slots:]]


@pytest.mark.parametrize("capacity", [10, 5], ids=["ring as before", "ring lowered"])
def test_what_an_older_evd_took_in_is_counted_when_its_vehicle_speaks(
    open_store: Opener, database: Path, capacity: int
) -> None:
    old_database(database, 2)
    store, counted = open_store(capacity=capacity), "SELECT vehicle, received, lost FROM days"
    assert rows(database, counted) == []
    late, newer = arrival(time=NOW + 500, seq=1), arrival(time=NOW + 3000, seq=6)
    store.write([late, newer, newer, arrival("SILENT")])
    expected = [("386625", 5, 2 - 1 + 1), ("SILENT", 1, 0)]
    assert rows(database, counted) == expected
    store.close()
    store = open_store(capacity=capacity)
    while store.maintain():
        pass
    store.write([newer])
    assert rows(database, counted) == expected, "once"


def test_a_folder_that_is_not_there_is_named(open_store: Opener, tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="cannot be opened: check that its folder exists"):
        open_store(tmp_path / "missing" / "evd.db")


@pytest.mark.parametrize("whole_bytes_max", [1 << 30, 0], ids=["in one go", "in stretches"])
def test_damage_inside_is_found(open_store: Opener, database: Path, whole_bytes_max: int) -> None:
    store = open_store(capacity=5000)
    store.write([arrival(time=NOW + i, document=b"x" * 500) for i in range(5000)])
    rests: list[float] = []
    assert find_damage(database, whole_bytes_max=whole_bytes_max, rest=rests.append) == []
    assert len(rests) == (0 if whole_bytes_max else 3), "5,000 rows are three stretches"
    store.close()
    data = bytearray(database.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = random.Random(3).randbytes(4096)
    database.write_bytes(data)
    try:
        found = find_damage(database, whole_bytes_max=whole_bytes_max, rest=rests.append)
    except StoreBroken as error:
        found = [str(error)]
    assert found


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY, StoreBusy),
        (517, StoreBusy),  # SQLITE_BUSY_SNAPSHOT: extended codes are told by their low byte
        (sqlite3.SQLITE_FULL, StoreFull),
        (sqlite3.SQLITE_IOERR, StoreBroken),
        (1034, StoreBroken),  # SQLITE_IOERR_FSYNC
        (sqlite3.SQLITE_CORRUPT, StoreBroken),
        (sqlite3.SQLITE_NOTADB, StoreRefused),
        (sqlite3.SQLITE_READONLY, StoreRefused),
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


def test_refusals_cost_no_transaction_of_their_own(open_store: Opener) -> None:
    """Two thousand unknown vehicles in one group must not be two thousand fsyncs."""
    store = open_store(create_unknown=False)
    before = store._db.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()
    store.write([arrival(f"{i:X}") for i in range(2000)])
    assert store._db.execute("PRAGMA wal_checkpoint(NOOP)").fetchone() == before


async def test_a_second_process_that_holds_the_lock_for_a_second_is_waited_for(
    open_store: Opener, database: Path
) -> None:
    bounds = {"queue_rows_max": 10, "queue_bytes_max": 10_000, "batch_rows_max": 10, "answer_timeout_s": 8}
    writer = Writer(open_store(), **bounds)
    with foreign_writer(database, hold_s=1.0):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.run)
            began = time.monotonic()
            assert await writer.write(arrival()) == Stored(Verdict.NEWEST)
            assert 0.2 < time.monotonic() - began < 4.0
            writer.close()


def test_what_is_newer_than_its_ring_needs_no_transaction_before_the_commit(open_store: Opener, database: Path) -> None:
    store = open_store()
    parked = {"fields": b'{"state":0}'}
    store.write([arrival("A", **parked), arrival("B", **parked)])
    prepare(store, [arrival(vehicle, time=NOW + i, **parked) for i in range(1, 9) for vehicle in "AB"])
    assert not store._db.in_transaction
    store.commit()
    assert rows(database, "SELECT kept FROM capacities") == [(9,), (9,)]
    prepare(store, [arrival("A", time=NOW + 40), arrival("A")])
    assert store._db.in_transaction, "one that is not must be looked for"
    store.commit()


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


class foreign_writer:
    """Another process that takes the write lock, and lets go of it after a while."""

    def __init__(self, path: Path, *, hold_s: float) -> None:
        code = f"""
import time
from evd.store.sqlite.sqlite_library import sqlite3
connection = sqlite3.connect({str(path)!r}, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep({hold_s})
connection.execute("ROLLBACK")
"""
        self._process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> subprocess.Popen[str]:
        assert self._process.stdout
        assert self._process.stdout.readline() == "held\n"
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a file system can be mounted by root only")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_said_rolled_back_and_gone_on_from(open_store: Opener, small_disk: Path) -> None:
    path = small_disk / "evd.db"
    store = open_store(path, capacity=1000)
    acknowledged = fill(store)
    assert acknowledged == ring_of(path), "readers are served meanwhile"
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert goes_on(store, path, acknowledged)
    store.close()


def fill(store: SqliteDatabase) -> list[str]:
    """Write until the store is full; the ids that were acknowledged."""
    acknowledged: list[str] = []
    for i in range(10_000):
        group = [arrival(time=NOW + 2 * i + j, document=b"x" * 2000) for j in (0, 1)]
        try:
            results = store.write(group)
        except StoreFull as error:
            assert "is full: nothing is taken until there is space" in str(error)
            return acknowledged
        assert [result.verdict for result in results] == [Verdict.NEWEST] * 2
        acknowledged += [one.status_id for one in group]
    raise AssertionError("the store never filled up")


def goes_on(store: SqliteDatabase, path: Path, acknowledged: list[str]) -> bool:
    """There is space again: everything acknowledged is there, and more is taken, in the right order and number."""
    new = arrival(time=NOW + 100_000)
    late = arrival(time=NOW - 1)
    assert store.write([new, late]) == [Stored(Verdict.NEWEST), Stored(Verdict.LATE)]
    assert ring_of(path) == [late.status_id, *acknowledged, new.status_id]
    assert rows(path, "SELECT kept FROM capacities") == [(len(acknowledged) + 2,)]
    return store.find_damage() == []


def test_a_write_error_is_no_full_disk_and_ends_the_process(tmp_path: Path) -> None:
    """EFBIG by RLIMIT_FSIZE: an I/O error that is not ENOSPC. What was acknowledged before it is there afterwards."""
    path = tmp_path / "evd.db"
    code = f"""
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {str(SUPPORT)!r})
from builders import *
from evd.errors import StoreBroken
store = new_store(Path({str(path)!r}), capacity=100000)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
for i in range(10_000):
    one = arrival(time=NOW + i, document=b"x" * 2000)
    try:
        store.write([one])
    except StoreBroken as error:
        print("broken", flush=True)
        raise SystemExit(70)
    print(one.status_id, flush=True)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 70, done.stderr
    *acknowledged, last = done.stdout.split()
    assert last == "broken"
    assert len(acknowledged) > 10
    store = new_store(path, capacity=100_000)
    assert set(acknowledged) <= set(ring_of(path))
    assert store.find_damage() == []
    store.close()


def test_the_log_is_copied_back_and_stays_bounded(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=20)
    log = database.with_name("evd.db-wal")
    largest = 0
    for i in range(80):
        store.write([arrival(time=NOW + 20 * i + j, document=b"x" * 60_000) for j in range(20)])
        store.maintain()
        largest = max(largest, log.stat().st_size)
    assert largest < 2 * CHECKPOINT_BYTES, "96 MB went through a log of less than 64"
    assert database.stat().st_size < 8_000_000
    store.close()
    assert not log.exists()


@pytest.fixture
def filled(open_store: Opener, database: Path) -> Path:
    store = open_store(capacity=3)
    fields = b'{"state":1,"current_charge":76,"range":638,"elec_consumption":15.40625,"indoor_temperature":36.25}'
    store.write(
        [
            *(arrival("386625", time=NOW + 1000 * i, seq=i, fields=fields, payload=b"\x13\x0a") for i in range(5)),
            arrival("caravan", time=NOW, seq=None, payload=None, connectivity=2, fields=b'{"state":5}'),
            SetVehicle("caravan", NOW, name="Anna's"),
            SetVehicle("silent", NOW, keep=7),
            Reject(NOW, "POST /wlan", "Body parsing error", "the body is no JSON", b"{}", b"\xff{"),
        ]
    )
    return database


DEBIANS_SHELL = shutil.which("sqlite3", path="/usr/bin")


@pytest.mark.skipif(not DEBIANS_SHELL, reason="the package sqlite3 is not installed")
@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        (
            "SELECT vehicle, name, last_time, channel, state, current_charge, range, kept, keep, too_old FROM fleet"
            " ORDER BY vehicle",
            [
                "386625||2023-11-14 22:13:24|sigfox|charging|76|638|3|3|0",
                "caravan|Anna's|2023-11-14 22:13:20|wlan|5|||1|3|0",
                "silent|||||||0|7|0",
            ],
        ),
        (
            "SELECT time, channel, seq, state, elec_consumption, payload, document FROM history"
            " WHERE vehicle = '386625' ORDER BY time",
            [f"2023-11-14 22:13:2{i}|sigfox|{i}|charging|15.40625|130a|{{}}" for i in (2, 3, 4)],
        ),
        ("SELECT seq IS NULL, state, payload FROM history WHERE vehicle = 'caravan'", ["1|5|"]),
        ("SELECT count(*) FROM pushes", ["0"]),
        (
            "SELECT received, times, route, error, detail FROM rejections",
            ["2023-11-14 22:13:20|1|POST /wlan|Body parsing error|the body is no JSON"],
        ),
        ("SELECT age_s > 0 FROM fleet WHERE vehicle = '386625'", ["1"]),
    ],
)
def test_the_views_read_well_in_debians_shell(filled: Path, sql: str, shown: list[str]) -> None:
    """Beside the running store, and without the right to write."""
    assert DEBIANS_SHELL
    done = subprocess.run([DEBIANS_SHELL, "-readonly", str(filled), sql], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == shown
    assert done.stderr == ""


def test_an_empty_file_is_no_database(database: Path) -> None:
    database.touch()
    with pytest.raises(StoreRefused, match="is empty: restore a backup"):
        new_store(database)
    assert database.stat().st_size == 0


def test_tidying_finds_out_that_there_is_space_again(open_store: Opener, database: Path) -> None:
    store = open_store()
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFull):
        store.write([arrival(time=NOW + i, document=b"x" * 4000) for i in range(10)])
    store._db.execute("PRAGMA max_page_count = 1000000")
    assert store._failed is StoreFull
    while store.maintain():
        pass
    assert store._failed is None
    assert ring_of(database) == []


def test_an_idle_store_brings_everything_into_the_database_itself(open_store: Opener, database: Path) -> None:
    """A file that is copied, or looked at from outside, is whole half a second after the last callback."""
    store = open_store(capacity=100)
    before = database.stat().st_size
    store.write([arrival(time=NOW + i, document=b"x" * 2000) for i in range(100)])
    store.maintain()
    assert database.stat().st_size == before, "while there is more to do, this can wait"
    store.maintain(idle=True)
    assert database.stat().st_size > before + 100 * 2000


def test_the_log_is_looked_at_by_what_goes_into_it(open_store: Opener, database: Path) -> None:
    """A late status in a long ring moves half of it: thousands of pages, not two."""
    store = open_store(capacity=20_000)
    parked = {"fields": b'{"state":0}'}
    store.write([arrival(time=NOW + 1000 * number, document=b"x" * 200, **parked) for number in range(20_000)])
    log = database.with_name(f"{database.name}-wal")
    for number in range(40):
        store.write([arrival(time=NOW + 10_000_500 + number, **parked)])
        if store.wants_checkpoint:
            store.checkpoint()
        while store.wants_maintenance:
            store.maintain()
        assert log.stat().st_size <= 48 * 1024 * 1024


def test_a_full_disk_whose_log_can_be_copied_is_soon_full_no_more(
    open_store: Opener, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(capacity=50)
    store.write([arrival(time=NOW + number) for number in range(60)])
    monkeypatch.setattr(store, "_failed", StoreFull)
    assert store.wants_maintenance
    store.maintain()
    (_, log_pages, copied) = checkpoint(store._db, "NOOP")
    assert log_pages - copied <= 1, "only what tried whether there is space again"
    assert store._failed is None


def test_a_longer_log_says_nothing_and_what_is_in_it_stays(open_store: Opener, database: Path, tmp_path: Path) -> None:
    store = open_store()
    store.write([arrival(seq=1)])
    store.preallocate()
    store.write([arrival(seq=2)])
    log = database.with_name(f"{database.name}-wal")
    assert log.stat().st_size == LOG_READY_BYTES
    crashed = tmp_path / "crashed.db"
    shutil.copy(database, crashed)
    shutil.copy(log, crashed.with_name("crashed.db-wal"))
    restarted = new_store(crashed)
    restarted.close()
    assert ring_of(crashed) == ring_of(database) != []


def test_a_disk_without_space_for_a_longer_log_is_left_as_it_was(
    open_store: Opener, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store()
    before = database.with_name(f"{database.name}-wal").stat().st_size
    written = os.pwrite

    def full(file: int, data: bytes, at: int) -> int:
        if at > before:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(file, data, at)

    monkeypatch.setattr(os, "pwrite", full)
    store.preallocate()
    assert database.with_name(f"{database.name}-wal").stat().st_size == before
    assert store.write([arrival(seq=1)])


@pytest.mark.parametrize("version", [2, 4])
def test_an_upgrade_masks_what_older_evds_kept_of_refused_requests(
    database: Path, open_store: Opener, version: int
) -> None:
    old_database(database, version)
    connection = sqlite3.connect(str(database))
    route, headers = "GET /sigfox/geoloc?code=C4nary1&lat=1", '{"x-auth-token":"C4nary2","host":"x"}'
    connection.execute(
        "INSERT INTO rejected (digest, received, route, error, detail, headers, body) VALUES (?, 1, ?, 'e', 'd', ?, ?)",
        (b"1", route, headers, b'{"Key":"C4nary3","n":"\xff"}'),
    )
    connection.execute(
        "INSERT INTO rejected (digest, received, route, error, detail, headers, body) VALUES (?, 1, ?, 'e', 'd', ?, ?)",
        (b"2", "POST /sigfox/batch", "no JSON", b"386625;1;00;1;"),
    )
    connection.commit()
    connection.close()
    store = open_store()
    sql = "SELECT route, headers, body, is_text FROM rejected WHERE digest IN (?, ?)"
    assert rows(database, sql, b"1", b"2") == [
        (
            "GET /sigfox/geoloc?code=***&lat=1",
            '{"host":"x","x-auth-token":"***"}',
            b'{"Key":"***","n":"\xff"}',
            0,
        ),
        ("POST /sigfox/batch", "{}", b"386625;1;00;1;", 1),
    ]
    store.close()
    for file in database.parent.glob("evd.db*"):
        assert b"C4nary" not in file.read_bytes(), file


def test_an_owner_s_own_view_outlives_an_upgrade(database: Path, open_store: Opener) -> None:
    old_database(database, 2)
    connection = sqlite3.connect(str(database))
    connection.execute('CREATE VIEW "my view" AS SELECT 2 AS two')
    connection.close()
    open_store()
    assert rows(database, 'SELECT two FROM "my view"') == [(2,)]


def test_the_log_s_length_is_noticed_in_time_though_all_rows_come_in_batches(
    open_store: Opener, database: Path
) -> None:
    store, vehicles = open_store(), 2_800
    for seq in range(8):  # so that each vehicle's rows fill a page of their own
        store.write([Several(tuple(arrival(f"{i:X}", seq=seq) for i in range(vehicles)))])
        store.checkpoint()
        store.maintain(idle=True)
    log = database.with_name(f"{database.name}-wal")
    for turn in range(80):
        if store.wants_checkpoint:
            break
        first = turn * 700 % vehicles
        store.write([Several(tuple(arrival(f"{i:X}", seq=8 + turn) for i in range(first, first + 700)))])
    assert store.wants_checkpoint
    assert log.stat().st_size < CHECKPOINT_BYTES + 8 * 1024 * 1024


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


def test_a_file_that_is_gone_is_no_fault_of_evds_own(tmp_path: Path) -> None:
    """It may be removed while the check at the start looks at it."""
    with pytest.raises(StoreBroken, match="cannot be read"):
        find_damage(tmp_path / "evd.db")
