"""Down-sample a vehicle's statuses: of each bucket of time, the least, mean, greatest and last value of each field.

A bucket begins at a multiple of its width since 1970, in UTC; those without statuses are left out. A page has whole
buckets, and not much more than STATUSES_MAX statuses, so that its work is bounded.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple

from evd.store.records import TimeSpan
from evd.store.sqlite.ring_walk import SEQ_MIN, Ring, ring_of
from evd.store.vehicle_records import Bucket, BucketValues

STATUSES_MAX = 20_000
"""Statuses behind one page: about a second of a reader."""

DIGITS = 6
"""Decimals of a mean."""

# The position is that of the view ring_rows.
_ROWS = """
SELECT time, seq, timely, (place - :base - :newest + :taken - 1 + :slots) % :slots AS position, WANTED FROM statuses
WHERE (place BETWEEN :low AND :high OR place BETWEEN :low_2 AND :high_2) AND time BETWEEN :first AND :last
UNION ALL
SELECT o.time, o.seq, o.timely,
       (-place - 1 & 1048575) + CASE WHEN -place - 1 & 524288 THEN 524288 ELSE -1048576 END, WANTED
FROM overflow AS o JOIN statuses USING (place)
WHERE o.vehicle = :number AND o.timely IN (0, 1) AND o.time BETWEEN :first AND :last"""
_VIEW = """
SELECT time, seq, timely, position, WANTED FROM ring WHERE vehicle = :vehicle AND time BETWEEN :first AND :last"""

_COUNTS = """
SELECT time - time % :width AS start, count(*), sum(timely), max(time)
FROM (ROWS) GROUP BY 1 ORDER BY 1 DIRECTION LIMIT :most"""

# A bare column beside the only max() of a query is of the row that has the maximum.
_VALUES = """
WITH numbered AS (
    SELECT time - time % :width AS start, time, row_number() OVER (ORDER BY time, seq, position) AS nth, fields
    FROM (ROWS) WHERE NOT (timely AND time - time % :part IN (SELECT value FROM json_each(:without)))),
read AS MATERIALIZED (
    SELECT start, time, nth, key, type, atom FROM numbered, json_each(numbered.fields)
    WHERE type IN ('integer', 'real', 'text', 'true', 'false')),
spread AS (
    SELECT start, key, count(*) AS number, min(atom) AS low, avg(atom) AS mean, max(atom) AS high FROM read
    WHERE type IN ('integer', 'real') GROUP BY start, key)
SELECT start, key, ifnull(number, 0), low, mean, high, time, atom, type FROM (
    SELECT start, key, time, atom, type, max(nth) FROM read GROUP BY start, key)
LEFT JOIN spread USING (start, key) ORDER BY start, key"""


class SpanCount(NamedTuple):
    """Statuses of a ring in a span of time."""

    start: int
    statuses: int
    timely: int
    """Of them, those whose time did not lie ahead of the clock."""
    last_time: int


class SpanValues(NamedTuple):
    """What the statuses of a bucket have of one field; without numbers `low`, `mean` and `high` are None."""

    start: int
    name: str
    number: int
    """Statuses that have a number."""
    low: float | None
    mean: float | None
    high: float | None
    last_time: int
    last: Any


def read_buckets(
    connection: Any, span: TimeSpan, width: int, limit: int, *, down: bool = False
) -> tuple[list[Bucket], bool]:
    """The first `limit` buckets of the span, or the last ones, the latest first (`down`); and whether more follow.

    `width` is in ms. The first and the last bucket have only those of their statuses that the span has.
    """
    with ring_of(connection, span.vehicle) as ring:
        if ring is None:
            return [], False
        counted = read_counts(ring, span, width, limit + 1, down=down)
        held = accumulate(one.statuses for one in counted[:limit])
        shown = max(sum(total <= STATUSES_MAX for total in held), min(1, len(counted)))
        buckets = {one.start: Bucket(one.start, one.statuses, one.last_time, {}) for one in counted[:shown]}
        if buckets:
            for one in read_values(ring, within(span, buckets, width), width):
                mean = None if one.mean is None else round(one.mean, DIGITS)
                buckets[one.start].values[one.name] = BucketValues(one.low, mean, one.high, one.last)
        return list(buckets.values()), shown < len(counted)


def within(span: TimeSpan, starts: Collection[int], width: int) -> TimeSpan:
    """The part of the span that the buckets with these starts cover."""
    return TimeSpan(span.vehicle, max(span.first, min(starts)), min(span.last, max(starts) + width - 1))


def read_counts(ring: Ring, span: TimeSpan, width: int, most: int, *, down: bool = False) -> list[SpanCount]:
    """Of the first `most` spans of `width` ms that have statuses; `down`: of the last ones, the latest first."""
    sql = _COUNTS.replace("DIRECTION", "DESC" if down else "ASC")
    asked = {"width": width, "most": most, **_places(ring, span)}
    return [SpanCount(*row) for row in ring.connection.execute(_over(ring, sql, "NULL"), asked)]


def read_values(
    ring: Ring, span: TimeSpan, width: int, *, part: int = 1, without: Iterable[int] = ()
) -> Iterator[SpanValues]:
    """By bucket and field. Timely statuses do not count in the spans of `part` ms that start at one of `without`."""
    asked = {"width": width, "part": part, "without": json.dumps(list(without)), **_places(ring, span)}
    for *found, kind in ring.connection.execute(_over(ring, _VALUES, "fields"), asked):
        one = SpanValues(*found)
        yield one._replace(last=kind == "true") if kind in ("true", "false") else one


def _over(ring: Ring, sql: str, wanted: str) -> str:
    """`sql` over the statuses of the ring, with the column `wanted`."""
    return sql.replace("ROWS", (_VIEW if ring.in_view_only else _ROWS).replace("WANTED", wanted))


def _places(ring: Ring, span: TimeSpan) -> dict[str, Any]:
    """Where the statuses of the span are."""
    whole = {"vehicle": ring.vehicle, "number": ring.number, "first": span.first, "last": span.last}
    (low, high), (low_2, high_2) = [*ring.stretches((span.first, SEQ_MIN), (span.last + 1, SEQ_MIN)), _NONE, _NONE][:2]
    circle = {"base": ring.base, "slots": ring.circle.slots, "taken": ring.circle.kept, "newest": ring.circle.newest}
    return {**whole, **circle, "low": low, "high": high, "low_2": low_2, "high_2": high_2}


_NONE = (0, -1)
