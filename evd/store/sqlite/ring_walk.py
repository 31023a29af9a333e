"""Read a vehicle's statuses between two times, page by page, up or down; nothing is held between two pages.

A ring has no index of times. Its circle is in the order of (time, seqNumber), so the start of a page is found by
bisection; the statuses of the overflow are read in order from `overflow` and merged. Each page reads one snapshot and
begins after the last status of the page before, so arrivals and evictions in between do not shift it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice, takewhile
from operator import itemgetter
from typing import Any, NamedTuple

from evd.model.retention import TIME_MIN, Circle
from evd.store.records import NUMBER_MAX, PageLimit, SortKey, TimeSpan
from evd.store.sqlite.ring_state import SLOTS_PER_VEHICLE

SEQ_MIN, SEQ_MAX = -(1 << 63), (1 << 63) - 1


class Page(NamedTuple):
    """Rows of the requested columns, in order; `more` says that another page follows."""

    rows: list[Any]
    more: bool


_SHAPE = "SELECT number, slots, taken, newest, keep, kept, overflow FROM capacities WHERE vehicle = ?"
_RANK = "SELECT time, seq FROM statuses WHERE place = ?"


_CIRCLE = """
SELECT s.time, s.seq, s.place, COLUMNS FROM statuses AS s WHERE s.place BETWEEN ? AND ? ORDER BY s.place DIRECTION"""
# The position is that of the view ring_rows: statuses set aside came before those of their rank in the circle.
_BESIDE = """
SELECT s.time, s.seq, (-s.place - 1 & 1048575) + CASE WHEN -s.place - 1 & 524288 THEN 524288 ELSE -1048576 END, COLUMNS
FROM overflow AS o JOIN statuses AS s USING (place)
WHERE o.vehicle = ? AND o.timely = ? AND (o.time, o.seq) FROM_HERE (?, ?)
ORDER BY o.time DIRECTION, o.seq DIRECTION, o.place OPPOSITE"""
_VIEW = """
SELECT s.time, s.seq, s.position, COLUMNS FROM ring AS s
WHERE s.vehicle = ? AND (s.time, s.seq) FROM_HERE (?, ?)
ORDER BY s.time DIRECTION, s.seq DIRECTION, s.position DIRECTION"""

_UP = {"DIRECTION": "ASC", "OPPOSITE": "DESC", "FROM_HERE": ">="}
_DOWN = {"DIRECTION": "DESC", "OPPOSITE": "ASC", "FROM_HERE": "<="}


class WalkSql(NamedTuple):
    """The SQL of one direction."""

    circle: str
    beside: str
    view: str

    @classmethod
    def of(cls, wanted: str, words: Mapping[str, str]) -> WalkSql:
        texts = []
        for sql in (_CIRCLE, _BESIDE, _VIEW):
            for word, replaced in {"COLUMNS": wanted, **words}.items():
                sql = sql.replace(word, replaced)
            texts.append(sql)
        return cls(*texts)


class Columns:
    """The columns to read of a status `s`, in circle or overflow; its time, seq and position are read first."""

    def __init__(self, wanted: str) -> None:
        self.up, self.down = WalkSql.of(wanted, _UP), WalkSql.of(wanted, _DOWN)


_IDS = Columns("s.id")


def read_page(
    connection: Any, span: TimeSpan, after: SortKey | None, columns: Columns, room: PageLimit, *, down: bool = False
) -> Page:
    """The statuses of `span` after `after`, from its beginning if that is None; `down`: before it, the newest first.

    If the status at `after` is no longer in the ring, none with its time and seqNumber is left out.
    """
    with ring_of(connection, span.vehicle) as ring:
        if ring is None:
            return Page([], False)
        passed = 0 if after is None else ring.count_through(after, down=down)
        if down:
            end = min((span.last, SEQ_MAX), after[:2] if after is not None else (NUMBER_MAX, SEQ_MAX))
            rows = takewhile(lambda row: row[0] >= span.first, ring.walk_down(columns, end))
        else:
            start = max((span.first, SEQ_MIN), after[:2] if after is not None else (TIME_MIN, SEQ_MIN))
            rows = takewhile(lambda row: row[0] <= span.last, ring.walk(columns, start))
        return _filled(islice(rows, passed, None), room)


def _filled(rows: Iterator[Any], room: PageLimit) -> Page:
    page: list[Any] = []
    size = 0
    for _, _, _, *row in rows:
        if page and (len(page) >= room.rows or size >= room.size_bytes):
            return Page(page, True)
        page.append(row)
        size += sum(len(value) for value in row if type(value) in (str, bytes))
    return Page(page, False)


@contextmanager
def ring_of(connection: Any, vehicle: str) -> Iterator[Ring | None]:
    """The vehicle's ring, None without one; all reads in the block see one snapshot."""
    with _snapshot(connection):
        shape = connection.execute(_SHAPE, (vehicle,)).fetchone()
        yield None if shape is None else Ring(connection, vehicle, *shape)


@contextmanager
def _snapshot(connection: Any) -> Iterator[None]:
    """All reads in the block see one snapshot."""
    connection.execute("SAVEPOINT page")
    try:
        yield
    finally:
        connection.execute("RELEASE page")


class Ring:
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
        self.connection = connection
        self.vehicle = vehicle
        self.number = number
        self.base = number * SLOTS_PER_VEHICLE
        self.circle = Circle(slots, taken, newest)
        self._hidden = max(kept - keep, 0)
        """How many of the lowest statuses a lowered N hides."""
        self._overflow = bool(overflow)

    def count_through(self, last: SortKey, *, down: bool) -> int:
        """How many statuses with this time and seqNumber come before this one, and this one."""
        rows = self.walk_down(_IDS, last[:2]) if down else self.walk(_IDS, last[:2])
        for count, (time, seq, _, identity) in enumerate(rows, 1):
            if (time, seq) != last[:2]:
                break
            if identity == last[2]:
                return count
        return 0

    def walk(self, columns: Columns, start: tuple[int, int]) -> Iterator[Any]:
        """The rows from this time and seqNumber on, in order."""
        if self.in_view_only:
            return iter(self.connection.execute(columns.up.view, (self.vehicle, *start)))
        circle = self._walk_circle(columns.up, self.stretches(start, None))
        rows = (row for row in circle if row[:2] >= start)  # a damaged ring begins with others
        return self._merged(rows, columns.up, start) if self._overflow else rows

    def walk_down(self, columns: Columns, end: tuple[int, int]) -> Iterator[Any]:
        """The rows up to this time and seqNumber, the last first."""
        if self.in_view_only:
            return iter(self.connection.execute(columns.down.view, (self.vehicle, *end)))
        circle = self._walk_circle(columns.down, reversed(self.stretches(None, (end[0], end[1] + 1))))
        rows = (row for row in circle if row[:2] <= end)
        return self._merged(rows, columns.down, end, reverse=True) if self._overflow else rows

    @property
    def in_view_only(self) -> bool:
        """Whether only the view knows what may be seen: for seconds, while a lowered ring is trimmed."""
        return bool(self._hidden and self._overflow)

    def stretches(self, start: tuple[int, int] | None, end: tuple[int, int] | None) -> list[tuple[int, int]]:
        """The circle's places from `start` on and below `end` (time and seqNumber), as spans in order: two at most."""
        first = self._hidden if start is None else self._first_from(start)
        last = (self.circle.kept if end is None else self._first_from(end)) - 1
        if first > last:
            return []
        low, high = self.circle.slot(first), self.circle.slot(last)
        slots = [(low, high)] if low <= high else [(low, self.circle.slots - 1), (0, high)]
        return [(self.base + low, self.base + high) for low, high in slots]

    def _merged(
        self, circle: Iterator[Any], walk: WalkSql, start: tuple[int, int], *, reverse: bool = False
    ) -> Iterator[Any]:
        beside = (self.connection.execute(walk.beside, (self.number, timely, *start)) for timely in (0, 1))
        return heapq.merge(circle, *beside, key=itemgetter(0, 1, 2), reverse=reverse)

    def _walk_circle(self, walk: WalkSql, stretches: Iterable[tuple[int, int]]) -> Iterator[Any]:
        slots, taken, newest = self.circle
        for stretch in stretches:
            for time, seq, place, *row in self.connection.execute(walk.circle, stretch):
                yield (time, seq, (place - self.base - newest + taken - 1) % slots, *row)

    def _first_from(self, start: tuple[int, int]) -> int:
        """The index of the circle's first status that is not lower; in a damaged ring, of one before it."""
        low, high = self._hidden, self.circle.kept
        while low < high:
            middle = (low + high) // 2
            rank = self.connection.execute(_RANK, (self.base + self.circle.slot(middle),)).fetchone()
            if rank is None:
                return low
            if tuple(rank) < start:
                low = middle + 1
            else:
                high = middle
        return low
