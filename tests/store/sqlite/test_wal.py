"""The WAL: copied back, bounded, and longer where the disk has room."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import NOW, arrival, new_store, ring_of

from evd.errors import StoreFull
from evd.model.operations import Several
from evd.store.sqlite.connection import checkpoint
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.engine import LOG_READY_BYTES
from evd.store.sqlite.wal import CHECKPOINT_BYTES

Opener = Callable[..., SqliteDatabase]


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
