"""Read a vehicle's statuses between two times, page by page; nothing is held between two pages.

A ring has no index of times. Its circle is in the order of (time, seqNumber), so the start of a page is found by
bisection; the statuses of the overflow are read in order from `overflow` and merged. Each page reads one snapshot and
begins after the last status of the page before, so arrivals and evictions in between do not shift it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from evd.model.retention import TIME_MIN, Circle
from evd.store.records import PageLimit, SortKey, TimeSpan
from evd.store.sqlite.ring_state import SLOTS_PER_VEHICLE

SEQ_MIN = -(1 << 63)


class Page(NamedTuple):
    """Rows of the requested columns, the oldest first; `more` says that another page follows."""

    rows: list[Any]
    more: bool


_SHAPE = "SELECT number, slots, taken, newest, keep, kept, overflow FROM capacities WHERE vehicle = ?"
_RANK = "SELECT time, seq FROM statuses WHERE place = ?"


_CIRCLE = "SELECT s.time, s.seq, s.place, COLUMNS FROM statuses AS s WHERE s.place BETWEEN ? AND ? ORDER BY s.place"
# The position is that of the view ring_rows: statuses set aside came before those of their rank in the circle.
_BESIDE = """
SELECT s.time, s.seq, (-s.place - 1 & 1048575) + CASE WHEN -s.place - 1 & 524288 THEN 524288 ELSE -1048576 END, COLUMNS
FROM overflow AS o JOIN statuses AS s USING (place)
WHERE o.vehicle = ? AND o.timely = ? AND (o.time, o.seq) >= (?, ?) ORDER BY o.time, o.seq, o.place DESC"""
_VIEW = """
SELECT s.time, s.seq, s.position, COLUMNS FROM ring AS s
WHERE s.vehicle = ? AND (s.time, s.seq) >= (?, ?) ORDER BY s.time, s.seq, s.position"""


class Columns:
    """The columns to read of a status `s`, in circle or overflow; its time, seq and position are read first."""

    def __init__(self, wanted: str) -> None:
        self.circle, self.beside, self.view = (sql.replace("COLUMNS", wanted) for sql in (_CIRCLE, _BESIDE, _VIEW))


_IDS = Columns("s.id")


def read_page(connection: Any, span: TimeSpan, after: SortKey | None, columns: Columns, room: PageLimit) -> Page:
    """The statuses of `span` after `after`, from its beginning if that is None.

    If the status at `after` is no longer in the ring, none with its time and seqNumber is left out.
    """
    with _snapshot(connection):
        shape = connection.execute(_SHAPE, (span.vehicle,)).fetchone()
        if shape is None:
            return Page([], False)
        ring = _Ring(connection, span.vehicle, *shape)
        start = max((span.first, SEQ_MIN), after[:2] if after is not None else (TIME_MIN, SEQ_MIN))
        passed = 0 if after is None else ring.count_through(after)
        return _filled(ring.walk(columns, start), passed, span.last, room)


def _filled(rows: Iterator[Any], passed: int, last: int, room: PageLimit) -> Page:
    page: list[Any] = []
    size = 0
    for time, _, _, *row in islice(rows, passed, None):
        if time > last:
            break
        if page and (len(page) >= room.rows or size >= room.size_bytes):
            return Page(page, True)
        page.append(row)
        size += sum(len(value) for value in row if type(value) in (str, bytes))
    return Page(page, False)


@contextmanager
def _snapshot(connection: Any) -> Iterator[None]:
    """All reads in the block see one snapshot."""
    connection.execute("SAVEPOINT page")
    try:
        yield
    finally:
        connection.execute("RELEASE page")


class _Ring:
    """One ring as a snapshot shows it."""

    def __init__(
        self,
        connection: Any,
        vehicle: str,
        number: int,
        slots: int,
        taken: int,
        newest: int,
        keep: int,
        kept: int,
        overflow: int,
    ) -> None:
        self._db = connection
        self._vehicle = vehicle
        self._number = number
        self._base = number * SLOTS_PER_VEHICLE
        self._circle = Circle(slots, taken, newest)
        self._hidden = max(kept - keep, 0)
        """How many of the lowest statuses a lowered N hides."""
        self._overflow = bool(overflow)

    def count_through(self, last: SortKey) -> int:
        """How many statuses with this time and seqNumber come before this one, and this one."""
        for count, (time, seq, _, identity) in enumerate(self.walk(_IDS, last[:2]), 1):
            if (time, seq) != last[:2]:
                break
            if identity == last[2]:
                return count
        return 0

    def walk(self, columns: Columns, start: tuple[int, int]) -> Iterator[Any]:
        """The rows from this time and seqNumber on, in order."""
        if self._hidden and self._overflow:  # only for seconds, while a lowered ring is trimmed
            return iter(self._db.execute(columns.view, (self._vehicle, *start)))
        circle = self._walk_circle(columns, start)
        if not self._overflow:
            return circle
        beside = (self._db.execute(columns.beside, (self._number, timely, *start)) for timely in (0, 1))
        return heapq.merge(circle, *beside, key=itemgetter(0, 1, 2))

    def _walk_circle(self, columns: Columns, start: tuple[int, int]) -> Iterator[Any]:
        slots, taken, newest = self._circle
        index = self._first_from(start)
        if index >= taken:
            return
        slot = self._circle.slot(index)
        for first, last in [(slot, newest)] if slot <= newest else [(slot, slots - 1), (0, newest)]:
            for time, seq, place, *row in self._db.execute(columns.circle, (self._base + first, self._base + last)):
                if (time, seq) >= start:
                    yield (time, seq, (place - self._base - newest + taken - 1) % slots, *row)

    def _first_from(self, start: tuple[int, int]) -> int:
        """The index of the circle's first status that is not lower; in a damaged ring, of one before it."""
        low, high = self._hidden, self._circle.kept
        while low < high:
            middle = (low + high) // 2
            rank = self._db.execute(_RANK, (self._base + self._circle.slot(middle),)).fetchone()
            if rank is None:
                return low
            if tuple(rank) < start:
                low = middle + 1
            else:
                high = middle
        return low
