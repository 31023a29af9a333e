"""The statuses of one ring around a rank, one by one, on the writing connection.

The order is that of (time, seqNumber, id), which no order of arrival changes; the circle has those of one time and
seqNumber as they came. Statuses ahead of the clock are left out. Gathered rows must be written before.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from evd.derived.samples import Rank, StatusSample, read_sample
from evd.store.sqlite.frame_counts import stretches
from evd.store.sqlite.ring_state import RingState

CHUNK = 4
"""Rows of the circle on either side of a rank that are read with it: some two pages, and enough for most."""

CHUNK_MAX = 256

_COLUMNS = "s.time, s.seq, s.id, s.place, s.fields, s.activity"
_CIRCLE = f"SELECT {_COLUMNS} FROM statuses AS s WHERE s.place BETWEEN ? AND ? AND s.timely = 1 ORDER BY s.place"  # noqa: S608 (constants)
ROW_AT = f"SELECT {_COLUMNS} FROM statuses AS s WHERE s.place = ? AND s.timely = 1"  # noqa: S608
_BESIDE = f"""
SELECT {_COLUMNS} FROM overflow AS o JOIN statuses AS s USING (place)
WHERE o.vehicle = ? AND o.timely = 1 AND (o.time, o.seq) {{wanted}} (?, ?) ORDER BY o.time {{order}}, o.seq {{order}}"""  # noqa: S608
_BESIDE_UP = _BESIDE.format(wanted=">=", order="ASC")
_BESIDE_DOWN = _BESIDE.format(wanted="<=", order="DESC")


class RingRow(NamedTuple):
    """A status in its ring."""

    time: int
    seq: int
    status_id: str
    place: int
    fields: str
    activity: str | None

    @property
    def rank(self) -> Rank:
        return self[:3]

    @property
    def sample(self) -> StatusSample:
        return read_sample(self.time, self.seq, self.status_id, self.fields)


class RingOrder:
    """`index` is how many statuses of the circle do not rank above (time, seqNumber)."""

    def __init__(self, connection: Any, head: RingState) -> None:
        self._db = connection
        self._head = head
        self._near: tuple[int, list[RingRow]] | None = None
        """The rows beside the first index that was asked for, and the index of the first of them."""

    def below(self, rank: Rank, index: int) -> Iterator[RingRow]:
        """Those below `rank`, the highest first."""
        rows: Iterator[RingRow] = self._circle_down(index)
        if self._head.overflow:
            beside = map(RingRow._make, self._db.execute(_BESIDE_DOWN, (self._head.number, *rank[:2])))
            rows = heapq.merge(rows, beside, key=_when, reverse=True)
        for _, ties in groupby(rows, _when):
            yield from sorted((row for row in ties if row.rank < rank), key=_status_id, reverse=True)

    def above(self, rank: Rank, index: int) -> Iterator[RingRow]:
        """Those above `rank`, the lowest first."""
        rows: Iterator[RingRow] = self._circle_up(self._first_tie(rank, index))
        if self._head.overflow:
            beside = map(RingRow._make, self._db.execute(_BESIDE_UP, (self._head.number, *rank[:2])))
            rows = heapq.merge(rows, beside, key=_when)
        for _, ties in groupby(rows, _when):
            yield from sorted((row for row in ties if row.rank > rank), key=_status_id)

    def _first_tie(self, rank: Rank, index: int) -> int:
        for row in self._circle_down(index):
            if row.rank[:2] != rank[:2]:
                break
            index -= 1
        return index

    def _circle_down(self, index: int) -> Iterator[RingRow]:
        chunk = CHUNK
        while index > 0:
            low = max(index - chunk, 0)
            yield from reversed(self._circle(low, index - 1, index))
            index, chunk = low, min(2 * chunk, CHUNK_MAX)

    def _circle_up(self, index: int) -> Iterator[RingRow]:
        chunk = CHUNK
        while index < self._head.kept:
            high = min(index + chunk, self._head.kept)
            yield from self._circle(index, high - 1, index)
            index, chunk = high, min(2 * chunk, CHUNK_MAX)

    def _circle(self, first: int, last: int, beside: int) -> list[RingRow]:
        """From the index `first` to `last`; the first call is for rows beside `beside`."""
        if self._near is None:
            low = max(beside - CHUNK, 0)
            self._near = low, self._read(low, min(beside + CHUNK, self._head.kept) - 1)
        low, rows = self._near
        if low <= first and last < low + len(rows):
            return rows[first - low : last - low + 1]
        return self._read(first, last)

    def _read(self, first: int, last: int) -> list[RingRow]:
        base = self._head.base
        rows: list[RingRow] = []
        for low, high in stretches(self._head.circle, first, last):
            rows += map(RingRow._make, self._db.execute(_CIRCLE, (base + low, base + high)).fetchall())
        return rows


def _when(row: RingRow) -> tuple[int, int]:
    return row[0], row[1]


def _status_id(row: RingRow) -> str:
    return row.status_id
