"""A vehicle's roll-ups as one snapshot shows them: the stored parts of hours, with what its ring has since they were
written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from evd.derived.activities import Ended, VehicleActivity
from evd.derived.calendar import UTC_NAME
from evd.derived.fold import Fold, read_fold
from evd.derived.rollups import Rollup, written
from evd.derived.samples import StatusSample, read_sample
from evd.model.status import TIME_MAX_MS
from evd.store.records import PageLimit, TimeSpan
from evd.store.sqlite.derivation import OPEN_FOLD
from evd.store.sqlite.ring_walk import Columns, read_page

LIVE_ROWS_MAX = 2_000
"""Statuses of the ring that a question derives from: all, but while a file of an older evd is caught up with."""

_VEHICLE = """
SELECT v.number, p.zone FROM vehicles AS v LEFT JOIN vehicle_profiles AS p USING (vehicle) WHERE v.vehicle = ?"""
_LIVE = Columns("s.timely, s.time, s.seq, s.id, s.fields")


class Live(NamedTuple):
    """What the tables do not have yet."""

    parts: list[Rollup]
    ended: list[Ended]
    open: VehicleActivity | None
    last: StatusSample | None


class HourPart(NamedTuple):
    """A row of `hour_parts`."""

    start: int
    day: int
    data: str


_part = HourPart._make


class DerivedSnapshot:
    """All reads in the block see one snapshot; gives the vehicle's number, its zone, and what is in no table."""

    def __init__(self, connection: Any, vehicle: str) -> None:
        self._connection = connection
        self._vehicle = vehicle

    def __enter__(self) -> tuple[int, str, Live]:
        self._connection.execute("SAVEPOINT derived")
        row = self._connection.execute(_VEHICLE, (self._vehicle,)).fetchone()
        if row is None:
            return -1, UTC_NAME, Live([], [], None, None)
        zone = row[1] or UTC_NAME
        return row[0], zone, live_of(self._connection, self._vehicle, row[0], zone)

    def __exit__(self, *error: object) -> None:
        self._connection.execute("RELEASE derived")


def live_of(connection: Any, vehicle: str, number: int, zone: str) -> Live:
    """Inside a snapshot."""
    state = connection.execute(OPEN_FOLD, (number,)).fetchone()
    fold = Fold(zone) if state is None else read_fold(zone, *state)
    last = fold.last
    parts: list[Rollup] = []
    ended: list[Ended] = []
    span = TimeSpan(vehicle, -TIME_MAX_MS if last is None else last.time, TIME_MAX_MS)
    rows = read_page(connection, span, None, _LIVE, PageLimit(LIVE_ROWS_MAX, 1 << 26)).rows
    samples = [read_sample(*row) for timely, *row in rows if timely]
    for sample in sorted(samples, key=lambda one: one.rank):
        if last is None or sample.rank > last.rank:
            completed = fold.take(sample)
            parts += [completed.part] if completed.part else []
            ended += completed.ended
    return Live([*parts, *([fold.rollup] if fold.rollup else [])], ended, fold.open, fold.last)


def with_live(stored: Iterable[tuple[int, int, str]], live: Live) -> Iterator[HourPart]:
    """The stored parts, then those that go on or are not stored, which are newer."""
    since = {part.start for part in live.parts}
    yield from (_part(row) for row in stored if row[0] not in since)
    yield from (HourPart(part.start, part.day, written(part)) for part in live.parts)
