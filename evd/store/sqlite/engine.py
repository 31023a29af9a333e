"""Write to SQLite: one connection, one transaction for each group of operations, and evd's own checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from evd.errors import EvdError, StoreBusy, StoreError, StoreFull, StoreHangs, Unavailable
from evd.model.operations import NEWEST, STORED, Arrive, LimitReached, Operation, Several, Stored, UnknownVehicle
from evd.store.protocols import finished
from evd.store.settings import StoreSettings
from evd.store.sqlite.commit_thread import open_commit_thread
from evd.store.sqlite.connection import (
    checkpoint,
    explain,
    open_writer,
    preallocate_wal,
    translated,
)
from evd.store.sqlite.ring_layout import RingDamaged
from evd.store.sqlite.rings import Rings
from evd.store.sqlite.sqlite_library import sqlite3
from evd.store.sqlite.tables.base import SmallTables
from evd.store.sqlite.tables.handlers import HANDLERS
from evd.store.sqlite.wal import LOOK_EVERY_BYTES, Wal

LOG_READY_BYTES = 8 * 1024 * 1024
"""Length of the WAL when a daemon starts: 0.1 s of a slow disk. It grows beyond that when needed."""

GATHERED_ROWS_MAX = 12_288
"""Rows of a group gathered in memory for the commit thread, about 150 bytes each and their contents; enough for the
largest batch. The first rows of a larger group are written in the loop."""

STEP_ROWS = 32
"""Operations between two pauses of a group: about 100 µs if all are statuses that come in order."""

SLOW_ROWS = 8
"""Other operations between two pauses: a status that comes late into a long ring takes up to a millisecond, a turn of
the loop as long."""

REPAIR_AT_ONCE = 2_000
"""Rows of a damaged ring that may be repaired in the loop, in about 20 ms; a larger ring is repaired beside it."""

CLOSE_TIMEOUT_S = 4.0
"""How long closing waits for a commit that the disk blocks; systemd kills the process 25 s after SIGTERM."""

OF_THE_VALUES = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    OverflowError,  # an integer beyond 64 bits
    UnicodeError,  # a lone surrogate
    TypeError,  # not a text where one is needed
)
"""Errors that SQLite raises for one operation's values, not for the store."""


class _Unwritable(EvdError):
    """An operation has values that the tables cannot hold."""


_SET = "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
"""Settings that the views need: they cannot read evd's."""

_SET_KIND = """
INSERT INTO target_kinds (kind, personal, goes_stale, makes_room) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
SET personal = excluded.personal, goes_stale = excluded.goes_stale, makes_room = excluded.makes_room"""


class SqliteStore:
    """Implements `evd.store.protocols.Store` on one file."""

    def __init__(self, path: Path, settings: StoreSettings, report: Callable[[str], None] = lambda doing: None) -> None:
        self.path = path
        self._db = open_writer(path, report)
        report("checkpointing the WAL")
        with translated(path):
            checkpoint(self._db, "TRUNCATE")  # first write and sync again what a crash left in the WAL
            # For the views, which cannot read evd's settings.
            facts = {
                "statuses_per_vehicle": settings.capacity,
                "give_up_after_s": settings.give_up_after_s,
                "stale_after_days": settings.stale_after_days,
                "contract": settings.contract,
            }
            self._db.executemany(_SET, facts.items())
            self._db.executemany(_SET_KIND, settings.target_kinds)
            (page_bytes,) = self._db.execute("PRAGMA page_size").fetchone()  # of an older file, possibly another size
            self._commit_thread = open_commit_thread(
                self._db, rows_max=GATHERED_ROWS_MAX, close_timeout_s=CLOSE_TIMEOUT_S
            )
            self._rings = Rings(
                *(self._db, self._commit_thread),
                capacity=settings.capacity,
                create_unknown=settings.create_unknown,
                vehicles_max=settings.vehicles_max,
                contract=settings.contract,
                rollup_days=settings.rollup_days,
                annotations_max=settings.limits.annotations_waiting,
            )
            self._tables = SmallTables(self._db, self._rings, settings.limits)
            # From here on the statements run in the loop, which must not wait: the writer retries instead.
            self._db.execute("PRAGMA busy_timeout = 0")
            self._wal = Wal(path, self._db, page_bytes)
        self._failed: type[StoreError] | None = None
        """The error of the last attempt to write, if the disk was full or the file was locked."""
        self._slow = 0
        """Operations since the last pause that were no statuses in order."""

    def preallocate(self) -> None:
        """Make commits cheaper from the first one on: see `evd.store.sqlite.connection.preallocate_wal`."""
        preallocate_wal(self._db, self.path, LOG_READY_BYTES)

    def prepare(self, operations: Sequence[Operation]) -> Generator[None, None, list[Any]]:
        """See `Store.prepare`. An operation that fails alone has its error as its result; the others are written."""
        try:
            results = yield from self._group(operations, self._do)
        except _Unwritable:
            # One operation spoils the group: repeat all, each behind a savepoint, so that only that one fails.
            self._wal.note_written(LOOK_EVERY_BYTES)
            return (yield from self._group(operations, self._do_apart))
        pages = 2 * sum([operation.rows for operation in operations]) + self._rings.take_moved()
        self._wal.note_written(pages * self._wal.page_bytes + sum([operation.size_bytes for operation in operations]))
        return results

    def start_commit(self) -> None:
        """See `Store.start_commit`."""
        self._commit_thread.start()

    @property
    def commit_fd(self) -> int:
        """See `Store.commit_fd`."""
        return self._commit_thread.fd

    def finish_commit(self) -> None:
        """See `Store.finish_commit`."""
        with self._undone_on_error():
            self._commit_thread.finish()
        self._failed = None
        self._wal.look()

    def commit(self) -> None:
        """See `Store.commit`."""
        self.start_commit()
        self.finish_commit()

    def write(self, operations: Sequence[Operation]) -> list[Any]:
        """See `Store.write`."""
        results = finished(self.prepare(operations))
        self.commit()
        return results

    @property
    def wants_checkpoint(self) -> bool:
        """See `Store.wants_checkpoint`."""
        return self._wal.wants_copy

    def checkpoint(self) -> None:
        """See `Store.checkpoint`: copy the WAL into the database, on a separate connection, until little is left."""
        self._wal.copy()

    @property
    def wants_maintenance(self) -> bool:
        """See `Store.wants_maintenance`."""
        if self._wal.copying:
            return self._wal.wants_rest
        return self._rings.upkeep.due or self._failed is not None or self._wal.wants_rest

    def maintain(self, *, idle: bool = False) -> bool:
        """See `Store.maintain`: copy the rest of the WAL, which then starts again, and resize one ring."""
        if self._failed is StoreFull:
            self._make_room()
        if self._failed is not None:
            self._try_again()
        if self._rings.upkeep.due:
            with translated(self.path):
                self._db.execute("BEGIN IMMEDIATE")
            try:
                with self._undone_on_error():
                    self._rings.upkeep.step()
            except _Unwritable as error:
                if not isinstance(error.__cause__, RingDamaged):
                    raise
                self._rings.upkeep.note_damage(error.__cause__.number)
            self.commit()
        self._wal.copy_rest(idle=idle)
        return self._rings.upkeep.due

    def _make_room(self) -> None:
        """Free space after SQLITE_FULL: a checkpointed WAL is overwritten, and rings are overwritten in place."""
        with suppress(StoreFull), translated(self.path):
            checkpoint(self._db, "PASSIVE")

    def _try_again(self) -> None:
        """Write something without effect, so that a recovered disk is noticed without waiting for the next callback."""
        with translated(self.path):
            self._db.execute("BEGIN IMMEDIATE")
        with self._undone_on_error():
            self._db.execute("UPDATE meta SET value = value WHERE name = 'statuses_per_vehicle'")
        self.commit()

    @property
    def waiting_rows(self) -> int:
        """How many rows wait for their messages."""
        return self._rings.annotations.rows

    def close(self) -> None:
        """Checkpoint the WAL and close the file.

        Raises StoreHangs if the disk does not answer; the connection then stays open.
        """
        try:
            self._commit_thread.close()
        except TimeoutError as error:
            raise StoreHangs(f"the disk of {self.path} does not answer: check it and the system's log") from error
        self._wal.close_copier()
        try:
            with translated(self.path):
                checkpoint(self._db, "TRUNCATE")
        except StoreError:
            pass  # the WAL stays beside the file and is read at the next start
        self._db.close()
        self._wal.close()

    def _group(
        self, operations: Sequence[Operation], do: Callable[[Operation], Any]
    ) -> Generator[None, None, list[Any]]:
        with self._undone_on_error():
            results = yield from self._results(operations, do)
            self._rings.gather()
        return results

    def _results(
        self, operations: Sequence[Operation], do: Callable[[Operation], Any]
    ) -> Generator[None, None, list[Any]]:
        results: list[Any] = []
        for first in range(0, len(operations), STEP_ROWS):
            if first:
                yield
            some = operations[first : first + STEP_ROWS]
            for one in some:
                results.append((yield from self._results(one.operations, do)) if type(one) is Several else do(one))
                if self._slow >= SLOW_ROWS:
                    self._slow = 0
                    yield
        return results

    def _begin(self) -> None:
        """Open the group's transaction if it is not open; for a group without look-ups the commit thread opens it."""
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")

    @contextmanager
    def _undone_on_error(self) -> Iterator[None]:
        """Roll the transaction back on any error. Raises StoreError, or _Unwritable for the values."""
        try:
            yield
        except BaseException as error:
            self._rollback()
            if isinstance(error, (*OF_THE_VALUES, RingDamaged)):
                raise _Unwritable(f"it cannot be written: {error}") from error
            if isinstance(error, sqlite3.Error):
                meaning = explain(error, self.path)
                self._failed = type(meaning) if isinstance(meaning, StoreFull | StoreBusy) else None
                raise meaning from error
            raise

    def _do(self, operation: Operation) -> Any:
        try:
            if isinstance(operation, Arrive):
                return self._arrive(operation)
            self._slow += 1
            self._begin()
            return HANDLERS[type(operation)](self._tables, operation)
        except (UnknownVehicle, LimitReached) as refusal:
            return refusal  # it is raised before anything is changed

    def _do_apart(self, operation: Operation) -> Any:
        self._begin()
        try:
            return self._behind_savepoint(operation)
        except OF_THE_VALUES as error:
            return _Unwritable(f"{type(operation).__name__} cannot be written: {error}")
        except RingDamaged as damage:
            self._rings.upkeep.note_damage(damage.number)
        with suppress(RingDamaged):
            if self._rings.upkeep.repair(rows_max=REPAIR_AT_ONCE):
                return self._behind_savepoint(operation)
        return Unavailable("the vehicle's ring is damaged and is being repaired: send it again", retry_after_s=5)

    def _behind_savepoint(self, operation: Operation) -> Any:
        """Execute an operation behind a savepoint; an error undoes the operation and is its result."""
        self._db.execute("SAVEPOINT apart")
        try:
            result = self._do(operation)
            self._rings.flush()
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK TO apart")
            self._forget()
            raise
        self._db.execute("RELEASE apart")
        return result

    def _arrive(self, message: Arrive) -> Stored:
        if self._rings.append(message):
            return NEWEST
        self._slow += 1
        self._begin()
        return STORED[self._rings.arrive(message)]

    def _rollback(self) -> None:
        with translated(self.path):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._forget()

    def _forget(self) -> None:
        """Reload from the database what memory held of changes that were undone."""
        self._rings.forget()
        self._tables.forget()
