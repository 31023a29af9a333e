"""Queries for what is derived of a vehicle: the tables, with what its ring has since they were written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import msgspec

from evd.derived.activities import VehicleActivity
from evd.derived.calendar import UTC_NAME, day_at
from evd.derived.energy import VehicleFacts
from evd.derived.open_part import RollupSum
from evd.derived.rollups import Rollup
from evd.derived.tariff import Tariff
from evd.model.units import DAY_MS, HOUR_MS
from evd.store.derived_rows import ActivityRow, DerivedFacts, RollupRow
from evd.store.records import Listing, SortKey, TimeSpan
from evd.store.sqlite.read import base
from evd.store.sqlite.read.base import Questions
from evd.store.sqlite.read.hour_parts import DerivedSnapshot, HourPart, with_live

_VEHICLE = """
SELECT v.number, p.zone, p.battery_kwh, p.max_voltage, p.phases, p.tariff
FROM vehicles AS v LEFT JOIN vehicle_profiles AS p USING (vehicle) WHERE v.vehicle = ?"""
_HOURS = """
SELECT start, day, data FROM hour_parts WHERE vehicle = ? AND start >= ? AND start < ? ORDER BY start LIMIT ?"""
_DAYS = """
SELECT start, day, data FROM hour_parts WHERE vehicle = ? AND day > ? AND start BETWEEN ? AND ? ORDER BY start"""
_ENDED = """
SELECT time, seq, id, kind, start, ended, start_charge, end_charge, start_range, end_range, start_place, end_place,
       peak, current, way, messages, inferred
FROM activities
WHERE vehicle = ? AND kind = ? AND time >= ? AND start < ? AND (time, seq, id) > (?, ?, ?)
ORDER BY time, seq, id LIMIT ?"""

_tariff = msgspec.json.Decoder(Tariff).decode


class SqliteDerivedQueries(Questions):
    """See `evd.store.queries.DerivedQueries`."""

    async def derived_facts(self, vehicle: str) -> DerivedFacts | None:
        rows = await self.tuples(_VEHICLE, (vehicle,), small=True)
        if not rows:
            return None
        _, zone, battery_kwh, max_voltage, phases, tariff = rows[0]
        facts = VehicleFacts(battery_kwh, max_voltage, phases)
        return DerivedFacts(zone or UTC_NAME, facts, None if tariff is None else _tariff(tariff))

    async def activities(self, span: TimeSpan, kind: int, after: SortKey, *, limit: int) -> Listing[ActivityRow]:
        work = partial(_activities, span, kind, after, limit)
        return await self._connections.large.ask(
            ("activities", span, kind, after, limit), work, base.QUESTION_TIMEOUT_S
        )

    async def hours(self, span: TimeSpan, after: int, *, limit: int) -> Listing[RollupRow]:
        work = partial(_hours, span, after, limit)
        return await self._connections.large.ask(("hours", span, after, limit), work, base.QUESTION_TIMEOUT_S)

    async def day_rollups(self, span: TimeSpan, after: int, *, limit: int) -> Listing[RollupRow]:
        work = partial(_days, span, after, limit)
        return await self._connections.large.ask(("day_rollups", span, after, limit), work, base.QUESTION_TIMEOUT_S)


def _activities(span: TimeSpan, kind: int, after: SortKey, limit: int, connection: Any) -> Listing[ActivityRow]:
    with DerivedSnapshot(connection, span.vehicle) as (number, _, live):
        values = (number, kind, span.first, span.last, *after, limit + 1)
        rows = [_row(*row) for row in connection.execute(_ENDED, values)]
    known = {row.ended_by for row in rows}
    since = [ActivityRow(one.activity, one.by.rank, live=False) for one in live.ended if one.activity.kind == kind]
    if live.open is not None and live.open.kind == kind and live.last is not None:
        since.append(ActivityRow(live.open, live.last.rank, live=True))
    rows += [row for row in since if row.ended_by not in known and row.ended_by > after and _within(row, span)]
    rows.sort(key=lambda row: row.ended_by)
    return Listing(rows[:limit], rows[limit - 1].ended_by if len(rows) > limit else None)


def _within(row: ActivityRow, span: TimeSpan) -> bool:
    return row.ended_by[0] >= span.first and row.activity.start < span.last


def _row(time: int, seq: int, status_id: str, kind: int, start: int, end: int, *values: Any) -> ActivityRow:
    activity = VehicleActivity(kind, start, end, *values)
    activity.inferred = bool(activity.inferred)
    return ActivityRow(activity, (time, seq, status_id), live=False)


def _hours(span: TimeSpan, after: int, limit: int, connection: Any) -> Listing[RollupRow]:
    """Hours whose start is in the span, and after `after`."""
    first = max(span.first - span.first % HOUR_MS, after + HOUR_MS if after >= 0 else 0)
    with DerivedSnapshot(connection, span.vehicle) as (number, _, live):
        # An hour has two parts at most, so these show whether one more follows.
        stored = connection.execute(_HOURS, (number, first, span.last, 2 * limit + 2))
        rows = list(islice(_hours_of(with_live(stored, live), first, span.last), limit + 1))
    return Listing(rows[:limit], (rows[limit - 1].counts.start,) if len(rows) > limit else None)


def _hours_of(parts: Iterable[tuple[int, int, str]], first: int, last: int) -> Iterator[RollupRow]:
    """Of parts in their order; the hours of a year go through here one by one, so nothing is made for each part."""
    whole, hour = RollupSum(Rollup(0, 0)), -1
    for start, day, data in parts:
        if first <= start < last:
            if start - start % HOUR_MS != hour:
                if hour >= 0:
                    yield RollupRow(whole.counts(), whole.shown_measures())
                hour = start - start % HOUR_MS
                whole.restart(hour, day)
            whole.add_written(start, data)
    if hour >= 0:
        yield RollupRow(whole.counts(), whole.shown_measures())


def _days(span: TimeSpan, after: int, limit: int, connection: Any) -> Listing[RollupRow]:
    """Days that begin before the span's end and end behind its beginning, and after day `after`."""
    with DerivedSnapshot(connection, span.vehicle) as (number, zone, live):
        after = max(after, day_at(max(span.first, 0), zone).day - 1)
        stored = connection.execute(_DAYS, (number, after, (after - 1) * DAY_MS, span.last))
        days = _days_of((part for part in with_live(stored, live) if part.day > after), limit)
    begun = [(one, day_at(one.start, zone).start) for one in sorted(days, key=lambda one: one.day)]
    rows = [_row_of(one, begin) for one, begin in begun if begin < span.last]
    return Listing(rows[:limit], (rows[limit - 1].counts.day,) if len(rows) > limit else None)


def _days_of(parts: Iterable[HourPart], limit: int) -> list[RollupSum]:
    """The first `limit` days, and one more if there are more; each begins with its first part.

    Parts come by their start; the days of a vehicle whose zone was changed may not.
    """
    found: dict[int, RollupSum] = {}
    for part in parts:
        there = found.get(part.day)
        if there is None:
            if len(found) > limit:
                break
            there = found[part.day] = RollupSum(Rollup(part.start, part.day))
        there.add_written(part.start, part.data)
    return list(found.values())


def _row_of(whole: RollupSum, start: int) -> RollupRow:
    counts = whole.counts()
    return RollupRow(counts if counts.start == start else counts._replace(start=start), whole.shown_measures())
