"""A copy of one moment beside a writer, begun again if the WAL grows; and the examination of a file that may be any."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import NOW, arrival, rows

from evd.errors import StoreBusy, StoreRefused
from evd.store.sqlite import copying
from evd.store.sqlite.copying import copy, examine
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.sqlite_library import sqlite3

STATUSES = "SELECT vehicle, id FROM ring ORDER BY vehicle, id"
Open = Callable[..., SqliteDatabase]


def fill(store: SqliteDatabase, first: int, count: int = 200) -> None:
    store.write(
        [arrival(f"{number:X}", time=NOW + number, seq=number % 4096) for number in range(first, first + count)]
    )


def test_a_copy_is_of_one_moment_whatever_is_written_meanwhile(
    open_store: Open, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "STEP_BYTES", 4096)
    store = open_store(capacity=50)
    fill(store, 1)
    before, steps = rows(database, STATUSES), []

    def report(done: int, whole: int) -> None:
        steps.append((done, whole))
        fill(store, 1000 * len(steps), 5)

    target = tmp_path / "copy.db"
    assert copy(database, target, report) == 0
    assert len(steps) > 10 and steps[-1][0] == steps[-1][1] == target.stat().st_size
    assert rows(target, STATUSES) == before
    assert len(rows(database, STATUSES)) > len(before)
    found = examine(target)
    assert (found.damage, found.rows["statuses"], found.rows["vehicles"]) == ([], 200, 200)
    assert [path.name for path in tmp_path.glob("copy.db*")] == ["copy.db"], "no WAL belongs to it"


def test_a_copy_is_begun_again_while_the_wal_grows(
    open_store: Open, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "STEP_BYTES", 4096)
    store, target, rests = open_store(capacity=50), tmp_path / "copy.db", []
    fill(store, 1)
    busy, numbers = True, itertools.count(1000, 1000)

    def report(done: int, whole: int) -> None:
        if busy:
            fill(store, next(numbers))

    def rest(seconds: float) -> None:
        nonlocal busy
        rests.append(seconds)
        busy = len(rests) % 4 != 1  # quiet after the first rest

    assert copy(database, target, report, wal_max_bytes=0, rest=rest) == 1
    assert examine(target).damage == []
    busy = True
    with pytest.raises(StoreBusy, match=r"evd\.db-wal grew by 0 MiB during 3 copies: back up at a quieter hour"):
        copy(database, target, report, wal_max_bytes=0, rest=rest)
    assert rests == [copying.REST_S] * 4


def test_a_file_that_is_not_whole_or_too_new_is_refused_politely(
    open_store: Open, database: Path, tmp_path: Path
) -> None:
    fill(open_store(), 1)
    target = tmp_path / "copy.db"
    copy(database, target, lambda done, whole: None)
    data = bytearray(target.read_bytes())
    page = len(data) // 2 // 2048 * 2048
    data[page : page + 200] = bytes(200)
    (tmp_path / "damaged.db").write_bytes(data)
    assert examine(tmp_path / "damaged.db").damage
    newer = sqlite3.connect(str(target))
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(StoreRefused, match=r"has schema 99, this evd knows .*install the evd that wrote it"):
        examine(target)
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreRefused, match=r"empty\.db is empty"):
        examine(tmp_path / "empty.db")
