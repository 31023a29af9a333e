"""The SQLite engine: groups, a full disk, a lock of another process, and the views in a shell."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio
from builders import NOW, arrival, new_store, prepare, ring_of, rows
from folders import SUPPORT

from evd.errors import StoreFull
from evd.model.operations import Reject, SetVehicle, Stored
from evd.model.retention import Verdict
from evd.store.sqlite.database import SqliteDatabase
from evd.store.writer import Writer

Opener = Callable[..., SqliteDatabase]


def test_refusals_cost_no_transaction_of_their_own(open_store: Opener) -> None:
    """Two thousand unknown vehicles in one group must not be two thousand fsyncs."""
    store = open_store(create_unknown=False)
    before = store._db.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()
    store.write([arrival(f"{i:X}") for i in range(2000)])
    assert store._db.execute("PRAGMA wal_checkpoint(NOOP)").fetchone() == before


def test_a_group_pauses_sooner_where_its_statuses_come_late(open_store: Opener) -> None:
    """A late one takes up to a millisecond in a long ring, one in order three microseconds."""
    store = open_store(capacity=100)
    store.write([arrival("A", time=NOW), arrival("B", time=NOW)])
    pauses = {}
    for vehicle, sign in (("A", 1), ("B", -1)):
        times = range(NOW + sign, NOW + sign * 33, sign)
        pauses[sign] = len(list(store.prepare([arrival(vehicle, time=time) for time in times])))
        store.commit()
    assert pauses == {1: 0, -1: 4}


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
                "386625||2023-11-14T22:13:24Z|sigfox|charging|76|638|3|3|0",
                "caravan|Anna's|2023-11-14T22:13:20Z|wlan|5|||1|3|0",
                "silent|||||||0|7|0",
            ],
        ),
        (
            "SELECT time, channel, seq, state, elec_consumption, payload, document FROM history"
            " WHERE vehicle = '386625' ORDER BY time",
            [f"2023-11-14T22:13:2{i}Z|sigfox|{i}|charging|15.40625|130a|{{}}" for i in (2, 3, 4)],
        ),
        ("SELECT seq IS NULL, state, payload FROM history WHERE vehicle = 'caravan'", ["1|5|"]),
        ("SELECT count(*) FROM pushes", ["0"]),
        (
            "SELECT received, times, route, error, detail FROM rejections",
            ["2023-11-14T22:13:20Z|1|POST /wlan|Body parsing error|the body is no JSON"],
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
