"""Down-sample a vehicle's statuses: of each bucket of time, the least, mean, greatest and last value of each field.

A bucket begins at a multiple of its width since 1970, in UTC; those without statuses are left out. A page has whole
buckets, and not much more than STATUSES_MAX statuses, so that its work is bounded.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from evd.store.records import TimeSpan
from evd.store.sqlite.ring_walk import SEQ_MIN, Ring, ring_of
from evd.store.vehicle_records import Bucket, BucketValues

STATUSES_MAX = 20_000
"""Statuses behind one page: about a second of a reader."""

DIGITS = 6
"""Decimals of a mean."""

# The position is that of the view ring_rows.
_ROWS = """
SELECT time, seq, (place - :base - :newest + :taken - 1 + :slots) % :slots AS position, WANTED FROM statuses
WHERE (place BETWEEN :low AND :high OR place BETWEEN :low_2 AND :high_2) AND time BETWEEN :first AND :last
UNION ALL
SELECT o.time, o.seq, (-place - 1 & 1048575) + CASE WHEN -place - 1 & 524288 THEN 524288 ELSE -1048576 END, WANTED
FROM overflow AS o JOIN statuses USING (place)
WHERE o.vehicle = :number AND o.timely IN (0, 1) AND o.time BETWEEN :first AND :last"""
_VIEW = "SELECT time, seq, position, WANTED FROM ring WHERE vehicle = :vehicle AND time BETWEEN :first AND :last"

_COUNTS = """
SELECT time - time % :width AS start, count(*), max(time) FROM (ROWS) GROUP BY 1 ORDER BY 1 DIRECTION LIMIT :most"""

# A bare column beside the only max() of a query is of the row that has the maximum.
_VALUES = """
WITH numbered AS (
    SELECT time - time % :width AS start, row_number() OVER (ORDER BY time, seq, position) AS nth, fields FROM (ROWS)),
read AS MATERIALIZED (
    SELECT start, nth, key, type, atom FROM numbered, json_each(numbered.fields)
    WHERE type IN ('integer', 'real', 'text', 'true', 'false')),
spread AS (
    SELECT start, key, min(atom) AS low, avg(atom) AS mean, max(atom) AS high FROM read
    WHERE type IN ('integer', 'real') GROUP BY start, key)
SELECT start, key, low, mean, high, atom, type FROM (
    SELECT start, key, atom, type, max(nth) FROM read GROUP BY start, key)
LEFT JOIN spread USING (start, key) ORDER BY start, key"""


def read_buckets(
    connection: Any, span: TimeSpan, width: int, limit: int, *, down: bool = False
) -> tuple[list[Bucket], bool]:
    """The first `limit` buckets of the span, or the last ones, the latest first (`down`); and whether more follow.

    `width` is in ms. The first and the last bucket have only those of their statuses that the span has.
    """
    with ring_of(connection, span.vehicle) as ring:
        if ring is None:
            return [], False
        sql = _COUNTS.replace("DIRECTION", "DESC" if down else "ASC")
        asked = {"width": width, "most": limit + 1}
        counted = connection.execute(_over(ring, sql, "NULL"), asked | _places(ring, span)).fetchall()
        held = accumulate(count for _, count, _ in counted[:limit])
        shown = max(sum(total <= STATUSES_MAX for total in held), min(1, len(counted)))
        buckets = {start: Bucket(start, count, last, {}) for start, count, last in counted[:shown]}
        if buckets:
            low, high = min(buckets), max(buckets) + width - 1
            part = TimeSpan(span.vehicle, max(span.first, low), min(span.last, high))
            asked = {"width": width, **_places(ring, part)}
            for start, key, *found in connection.execute(_over(ring, _VALUES, "fields"), asked):
                buckets[start].values[key] = _values(*found)
        return list(buckets.values()), shown < len(counted)


def _values(low: Any, mean: float | None, high: Any, last: Any, kind: str) -> BucketValues:
    last = kind == "true" if kind in ("true", "false") else last
    return BucketValues(low, None if mean is None else round(mean, DIGITS), high, last)


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
