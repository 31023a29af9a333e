"""Buckets of whole hours over statuses that the ring has and roll-ups of those that it has no longer.

Hour by hour: where the ring has as many statuses as were rolled up, they answer, with all of their fields; where more
were rolled up, the roll-up answers, with the fields that it has, which are the numbers. So each status counts once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from evd.derived.calendar import UTC_NAME
from evd.derived.open_part import RollupSum
from evd.derived.rollups import Rollup, Spread, plain
from evd.derived.samples import FULL_RANGE
from evd.model.units import HOUR_MS
from evd.store.records import NUMBER_MAX, TimeSpan
from evd.store.sqlite import ring_buckets
from evd.store.sqlite.read.hour_parts import HourPart, live_of, with_live
from evd.store.sqlite.ring_buckets import DIGITS, SpanCount, SpanValues, read_counts, read_values, within
from evd.store.sqlite.ring_walk import Ring, ring_of
from evd.store.vehicle_records import Bucket, BucketValues

PARTS_MAX = 20_000
"""Parts of hours behind one page, some 5 µs each: more than a bucket of 366 days has."""

_ROLLED_UP = """
SELECT v.number, p.zone FROM vehicles AS v JOIN derived AS d ON d.vehicle = v.number
LEFT JOIN vehicle_profiles AS p ON p.vehicle = v.vehicle WHERE v.vehicle = ?"""
_PARTS = """
SELECT start, day, data FROM hour_parts WHERE vehicle = ? AND start BETWEEN ? AND ? ORDER BY start DIRECTION LIMIT ?"""


def read_buckets(
    connection: Any, span: TimeSpan, width: int, limit: int, *, down: bool = False
) -> tuple[list[Bucket], bool]:
    """As `evd.store.sqlite.ring_buckets.read_buckets`, with what the ring has no longer.

    Of an hour that the span's first or last time divides, the roll-up counts only if it shows that all of its statuses
    lie in the span.
    """
    with ring_of(connection, span.vehicle) as ring:
        row = connection.execute(_ROLLED_UP, (span.vehicle,)).fetchone()
        if width % HOUR_MS or row is None or ring is None:
            return ring_buckets.read_buckets(connection, span, width, limit, down=down)
        live = live_of(connection, span.vehicle, row[0], row[1] or UTC_NAME)
        most = min((limit + 1) * (width // HOUR_MS), PARTS_MAX)
        low, high = max(span.first, HOUR_MS - NUMBER_MAX), span.last
        asked = (row[0], low - low % HOUR_MS, high, min(2 * most, PARTS_MAX))
        stored = connection.execute(_PARTS.replace("DIRECTION", "DESC" if down else "ASC"), asked).fetchall()
        counts = read_counts(ring, span, HOUR_MS, most, down=down)
        # Behind the last row of a full answer there may be more.
        ends = [rows[-1][0] for rows, bound in ((stored, asked[-1]), (counts, most)) if len(rows) >= bound]
        parts = [part for part in with_live(stored, live) if asked[1] <= part.start <= high]
        hours = sorted(_hours(parts, counts, span), key=lambda hour: hour.start, reverse=down)
        return _paged(ring, span, hours, ends, width, limit, down=down)


class AnsweredHour(NamedTuple):
    """An hour of the span: what the ring has of it, and the roll-up's parts if they have more."""

    start: int
    seen: SpanCount | None
    parts: list[HourPart]

    @property
    def cost(self) -> int:
        """In statuses that are read."""
        return len(self.parts) + (self.seen.statuses if self.seen is not None else 0)


def _hours(parts: Iterable[HourPart], counts: Iterable[SpanCount], span: TimeSpan) -> list[AnsweredHour]:
    seen = {one.start: one for one in counts}
    rolled: dict[int, list[HourPart]] = defaultdict(list)
    for part in parts:
        rolled[part.start - part.start % HOUR_MS].append(part)
    hours = []
    for start in seen.keys() | rolled.keys():
        count, held = seen.get(start), rolled.get(start, [])
        divided = start < span.first or start + HOUR_MS - 1 > span.last
        if held and (count is not None or divided):
            whole = _sum(held).rollup()
            if (count is not None and whole.messages <= count.timely) or (divided and not _lies_in(whole, span)):
                held = []
        if held or count is not None:
            hours.append(AnsweredHour(start, count, held))
    return hours


def _lies_in(whole: Rollup, span: TimeSpan) -> bool:
    """Whether a measure that each of its statuses has shows that they lie in the span."""
    return any(
        one.count == whole.messages and span.first <= one.first_at[0] and one.last_at[0] <= span.last
        for one in whole.measures.values()
    )


def _sum(parts: Iterable[HourPart]) -> RollupSum:
    whole = RollupSum(Rollup(0, 0))
    for part in parts:
        whole.add_written(part.start, part.data)
    return whole


def _paged(
    ring: Ring, span: TimeSpan, hours: list[AnsweredHour], ends: list[int], width: int, limit: int, *, down: bool
) -> tuple[list[Bucket], bool]:
    """The buckets that fit on a page; those at or behind one of `ends` are not known as a whole."""
    end = (max(ends) if down else min(ends)) if ends else None
    edge = None if end is None else end - end % width
    shown: dict[int, list[AnsweredHour]] = {}
    cost = 0
    for start, group in groupby(hours, lambda hour: hour.start - hour.start % width):
        held = list(group)
        cost += sum(hour.cost for hour in held)
        behind = edge is not None and (start <= edge if down else start >= edge)
        if behind or len(shown) == limit or (shown and cost > ring_buckets.STATUSES_MAX):
            return _filled(ring, span, shown, width), True
        shown[start] = held
    return _filled(ring, span, shown, width), False


def _filled(ring: Ring, span: TimeSpan, shown: Mapping[int, list[AnsweredHour]], width: int) -> list[Bucket]:
    if not shown:
        return []
    without = [hour.start for held in shown.values() for hour in held if hour.parts and hour.seen is not None]
    of_ring: dict[int, dict[str, SpanValues]] = defaultdict(dict)
    for one in read_values(ring, within(span, shown, width), width, part=HOUR_MS, without=without):
        of_ring[one.start][one.name] = one
    return [_bucket(start, held, of_ring[start]) for start, held in shown.items()]


def _bucket(start: int, hours: list[AnsweredHour], of_ring: Mapping[str, SpanValues]) -> Bucket:
    whole = _sum(part for hour in hours for part in hour.parts).rollup()
    seen = [hour.seen for hour in hours if hour.seen is not None]
    beside = [(hour.seen.timely if hour.parts else 0, hour.seen) for hour in hours if hour.seen is not None]
    statuses = whole.messages + sum(one.statuses - known for known, one in beside)
    lasts = [one.last_at[0] for one in whole.measures.values()] + [one.last_time for one in seen]
    names = sorted(of_ring.keys() | (whole.measures.keys() - {FULL_RANGE}))
    values = {name: _values(whole.measures.get(name), of_ring.get(name)) for name in names}
    # Statuses without a number leave no time in a roll-up.
    return Bucket(start, statuses, max(lasts, default=max(hour.start for hour in hours)), values)


def _values(rolled: Spread | None, of_ring: SpanValues | None) -> BucketValues:
    if rolled is None:
        assert of_ring is not None
        mean = None if of_ring.mean is None else round(of_ring.mean, DIGITS)
        return BucketValues(of_ring.low, mean, of_ring.high, of_ring.last)
    low, high, last = plain(rolled.least), plain(rolled.greatest), plain(rolled.last)
    total, number = rolled.total / 1e6, rolled.count
    if of_ring is not None:
        last = of_ring.last if of_ring.last_time > rolled.last_at[0] else last
        if of_ring.low is not None and of_ring.mean is not None and of_ring.high is not None:
            low, high = min(low, of_ring.low), max(high, of_ring.high)
            total, number = total + of_ring.mean * of_ring.number, number + of_ring.number
    return BucketValues(low, round(total / number, DIGITS), high, last)
