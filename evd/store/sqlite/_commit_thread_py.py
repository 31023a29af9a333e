"""The commit thread in Python: gather a group's rows, then write and commit them in a thread.

It specifies `_commit_thread.pyx`, is the reference in its tests, and replaces it if it is not built. This thread takes
the GIL for each statement; the other one never does.
"""

from __future__ import annotations

import os
import select
import threading
from typing import Any

from evd.store.sqlite.bulk import Bulk

PUT = (
    "INSERT OR REPLACE INTO statuses"
    " (place, timely, time, seq, id, received, connectivity, payload, fields, document, flags, activity) VALUES "
)
MOVE = "UPDATE OR REPLACE statuses SET place = ? WHERE place = ?"
SHAPE = (
    "UPDATE vehicles SET kept = ?, newest = ?, counted = ?, counted_seq = ?, received = ?, lost = ?, resets = ?"
    " WHERE number = ?"
)
ENDED_PART = (
    "INSERT INTO hour_parts (vehicle, start, day, data) VALUES (?,?,?,CAST(? AS TEXT))"
    " ON CONFLICT DO UPDATE SET data = excluded.data"
)
OPEN_PART = (
    "UPDATE derived SET time = ?, seq = ?, id = ?, fields = CAST(? AS TEXT), start = ?, day = ?, data = CAST(? AS TEXT)"
    " WHERE vehicle = ?"
)

ROW_BYTES_MAX = 1 << 28
"""Bytes of all texts and blobs of one row; far below SQLite's own limit, which would fail in the thread."""

_INT64 = range(-(1 << 63), 1 << 63)
_PUT = Bulk(PUT + "{rows}", "(?,?,?,?,?,?,?,?,CAST(? AS TEXT),CAST(? AS TEXT),?,CAST(? AS TEXT))")
_SHAPES = Bulk(
    "WITH shape (kept, newest, counted, counted_seq, received, lost, resets, number) AS (VALUES {rows})"
    " UPDATE vehicles SET kept = shape.kept, newest = shape.newest, counted = shape.counted,"
    " counted_seq = shape.counted_seq, received = shape.received, lost = shape.lost, resets = shape.resets"
    " FROM shape WHERE vehicles.number = shape.number",
    "(?,?,?,?,?,?,?,?)",
)


class Gathered:
    """What is to be written with a group, as the parameters of its statements."""

    def __init__(self) -> None:
        self.moves: list[tuple[int, int]] = []
        self.rows: list[tuple[Any, ...]] = []
        self.shapes: dict[int, tuple[int, ...]] = {}
        self.ended_parts: list[tuple[Any, ...]] = []
        self.open_parts: list[tuple[Any, ...]] = []

    def __len__(self) -> int:
        parts = len(self.ended_parts) + len(self.open_parts)
        return len(self.moves) + len(self.rows) + len(self.shapes) + parts


class CommitThread:
    """Writes rows of `statuses`, ring shapes and parts of roll-ups on `connection`.

    That must be in sqlite3's autocommit mode.

    Between `start` and `finish` the connection belongs to the thread and must not be used. `rows_max` bounds what is
    gathered: `flush` before gathering more. `close_timeout_s` bounds how long `close` waits for a group.
    """

    def __init__(self, connection: Any, *, rows_max: int, close_timeout_s: float) -> None:
        self._connection = connection
        self._rows_max = rows_max
        self._close_timeout_s = close_timeout_s
        self._gathered = Gathered()
        self._error: BaseException | None = None
        self._running = False
        self._closed = False
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        """Readable when the started group has ended."""
        self._handed_over = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._live, name="evd-commit", daemon=True)
        self._thread.start()

    @property
    def gathered(self) -> int:
        """Number of gathered moves, rows, shapes and parts that are not written yet."""
        return len(self._gathered)

    def move(self, come_from: int, to: int) -> None:
        """Gather a row's move to another place, whose row is evicted.

        Moves are written in order, before all rows: flush first if a row at one of both places is gathered. Raises
        TypeError or OverflowError (an integer beyond 64 bits), without gathering anything.
        """
        self._must_be_idle()
        _check_integers(come_from, to)
        if len(self._gathered.moves) >= self._rows_max:
            self.flush()
        self._gathered.moves.append((to, come_from))

    def put(
        self,
        place: int,
        timely: bool,
        time: int,
        seq: int,
        id: str,
        received: int,
        connectivity: int,
        payload: bytes | None,
        fields: bytes,
        document: bytes,
        flags: str,
        activity: bytes | None = None,
    ) -> None:
        """Gather a row of `statuses`; `fields`, `document` and `activity` are UTF-8 text.

        Raises TypeError, OverflowError (an integer beyond 64 bits, a row beyond ROW_BYTES_MAX) or UnicodeEncodeError
        (a lone surrogate), without gathering anything.
        """
        self._must_be_idle()
        _check_integers(place, time, seq, received, connectivity)
        for value, kind in ((id, str), (flags, str), (fields, bytes), (document, bytes)):
            if not isinstance(value, kind):
                raise TypeError(f"a row has {type(value).__name__} where {kind.__name__} is expected")
        for what in (payload, activity):
            if what is not None and not isinstance(what, bytes):
                raise TypeError(f"a payload or an activity is bytes or None, not {type(what).__name__}")
        parts = (id.encode(), flags.encode(), fields, document, payload or b"", activity or b"")
        if sum(map(len, parts)) > ROW_BYTES_MAX:
            raise OverflowError(f"a row has more than {ROW_BYTES_MAX} bytes")
        if len(self._gathered.rows) >= self._rows_max:
            self.flush()
        self._gathered.rows.append(
            (place, bool(timely), time, seq, id, received, connectivity, payload, fields, document, flags, activity)
        )

    def shape(
        self,
        number: int,
        kept: int,
        newest: int,
        counted: int,
        counted_seq: int,
        received: int,
        lost: int,
        resets: int,
    ) -> None:
        """Gather a vehicle's ring shape: the number of slots taken, the newest slot, and the frame count.

        The last shape gathered for a vehicle is written. Raises as `put` does.
        """
        self._must_be_idle()
        shape = (kept, newest, counted, counted_seq, received, lost, resets, number)
        _check_integers(*shape)
        if len(self._gathered.shapes) >= self._rows_max:
            self.flush()
        self._gathered.shapes[number] = shape

    def ended_part(self, number: int, start: int, day: int, data: bytes) -> None:
        """Gather a row of `hour_parts`; `data` is UTF-8 text. Raises as `put` does."""
        self._must_be_idle()
        _check_integers(number, start, day)
        _check_bytes(data)
        if len(self._gathered.ended_parts) >= self._rows_max:
            self.flush()
        self._gathered.ended_parts.append((number, start, day, data))

    def open_part(
        self, number: int, time: int, seq: int, id: str, fields: bytes, start: int, day: int, data: bytes
    ) -> None:
        """Gather what changes in a row of `derived`; `fields` and `data` are UTF-8 text. Raises as `put` does."""
        self._must_be_idle()
        _check_integers(number, time, seq, start, day)
        _check_bytes(id.encode(), fields, data)
        if len(self._gathered.open_parts) >= self._rows_max:
            self.flush()
        self._gathered.open_parts.append((time, seq, id, fields, start, day, data, number))

    def flush(self) -> None:
        """Write the gathered rows at once, in the caller's thread; begins a transaction if none is open.

        Raises sqlite3.Error; the gathered rows are then dropped, and the caller must roll back.
        """
        self._must_be_idle()
        try:
            self._write()
        finally:
            self.drop()

    def drop(self) -> None:
        """Drop all that is gathered."""
        self._must_be_idle()
        self._gathered = Gathered()

    def start(self) -> None:
        """Hand the group to the thread, which writes and commits it; `fd` is readable when it has ended."""
        self._must_be_idle()
        self._running = True
        if self.gathered or self._connection.in_transaction:
            self._handed_over.release()
        else:
            os.eventfd_write(self.fd, 1)

    def finish(self) -> None:
        """Wait for the end of the group, which is then on disk. Raises sqlite3.Error as `flush` does."""
        if not self._running:
            raise RuntimeError("no group was started")
        while not self._ended(None):
            pass
        os.eventfd_read(self.fd)
        self._running = False
        self.drop()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def close(self) -> None:
        """Wait for a started group and end the thread; the connection may then be closed.

        Raises TimeoutError if the disk takes too long; then neither file nor connection may be used.
        """
        if self._closed:
            return
        if self._running and not self._ended(self._close_timeout_s):
            raise TimeoutError("a group is being written still")
        self._closed = True
        self._handed_over.release()
        self._thread.join()
        os.close(self.fd)

    def _must_be_idle(self) -> None:
        if self._running or self._closed:
            raise RuntimeError("the commit thread is closed" if self._closed else "a group is being written")

    def _ended(self, timeout_s: float | None) -> bool:
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))

    def _live(self) -> None:
        while self._handed_over.acquire() and not self._closed:
            try:
                self._write()
                self._connection.execute("COMMIT")
            except BaseException as error:
                self._error = error  # raised by finish
            os.eventfd_write(self.fd, 1)

    def _write(self) -> None:
        gathered = self._gathered
        if gathered and not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(MOVE, gathered.moves)
        _PUT.run(self._connection, gathered.rows)
        _SHAPES.run(self._connection, list(gathered.shapes.values()))
        self._connection.executemany(ENDED_PART, gathered.ended_parts)
        self._connection.executemany(OPEN_PART, gathered.open_parts)


def _check_bytes(*values: bytes) -> None:
    for value in values:
        if not isinstance(value, bytes):
            raise TypeError(f"a part has {type(value).__name__} where bytes is expected")
        if len(value) > ROW_BYTES_MAX:
            raise OverflowError(f"a part has more than {ROW_BYTES_MAX} bytes")


def _check_integers(*values: int) -> None:
    for value in values:
        if not isinstance(value, int):
            raise TypeError(f"a row has {type(value).__name__} where int is expected")
        if value not in _INT64:
            raise OverflowError("an integer has more than 64 bits")
