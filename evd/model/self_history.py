"""What evd measured of itself over the last hours, in memory, for its console: no other program need collect it.

Every STEP_S somebody gives the totals of that moment to `SelfHistory.look`. Two series are kept: the last hour in steps
of STEP_S, and longer spans in minutes. Each has a bounded number of rows of 8 bytes a value, so a day takes 250 kB.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Mapping
from math import nan
from typing import NamedTuple

from evd.model.units import HOUR_S, MINUTE_S

STEP_S = 10
"""Between two looks: a look costs some 250 µs, and a fault of a minute has six rows."""

FINE_S = HOUR_S
"""What is kept in steps of STEP_S."""


class Totals(NamedTuple):
    """Counts and sums since the start, and what holds now. Times in s, sizes in bytes; None: not known.

    `…_worst_s` are the longest since the previous look; None: there was none.
    """

    callbacks: int = 0
    refused: int = 0
    commits: int = 0
    commit_sum_s: float = 0.0
    commit_worst_s: float | None = None
    pushes: int = 0
    push_answers: int = 0
    """Of providers, also where a push was refused."""
    push_sum_s: float = 0.0
    push_worst_s: float | None = None
    failed_pushes: int = 0
    queue: int = 0
    wal: int | None = None
    database: int | None = None
    disk_free: int | None = None
    memory: int | None = None
    lag_s: float = 0.0


class SelfMeasure(NamedTuple):
    """A column of the history. A rate or a mean comes of two totals; a gauge of all looks of a row, by `gather`."""

    of: Callable[[Totals, Totals, float], float | None] | None = None
    """(before, now, seconds between) → the value; None: unknown."""
    gauge: str = ""
    """The name in Totals."""
    gather: Callable[[float, float], float] = max
    factor: float = 1.0


def _rate(name: str) -> SelfMeasure:
    return SelfMeasure(lambda before, now, span_s: (getattr(now, name) - getattr(before, name)) / span_s)


def _mean_ms(sums: str, counts: str) -> SelfMeasure:
    def mean(before: Totals, now: Totals, span_s: float) -> float | None:
        count = getattr(now, counts) - getattr(before, counts)
        return 1000 * (getattr(now, sums) - getattr(before, sums)) / count if count else None

    return SelfMeasure(mean)


def _last(_: float, now: float) -> float:
    return now


MEASURES: Mapping[str, SelfMeasure] = {
    "callbacks_per_s": _rate("callbacks"),
    "refused_per_s": _rate("refused"),
    "commit_ms": _mean_ms("commit_sum_s", "commits"),
    "commit_worst_ms": SelfMeasure(gauge="commit_worst_s", factor=1000),
    "pushes_per_s": _rate("pushes"),
    "failed_pushes_per_s": _rate("failed_pushes"),
    "push_ms": _mean_ms("push_sum_s", "push_answers"),
    "push_worst_ms": SelfMeasure(gauge="push_worst_s", factor=1000),
    "queue": SelfMeasure(gauge="queue"),
    "wal_bytes": SelfMeasure(gauge="wal"),
    "database_bytes": SelfMeasure(gauge="database", gather=_last),
    "disk_free_bytes": SelfMeasure(gauge="disk_free", gather=min),
    "memory_bytes": SelfMeasure(gauge="memory"),
    "lag_ms": SelfMeasure(gauge="lag_s", factor=1000),
}
"""Name → what it is. A new measure is a row here and, if need be, a field of Totals."""

_DECIMALS = 3


class HistorySpan(NamedTuple):
    """Rows of one series, the oldest first; unknown values are NaN."""

    step_s: int
    times: list[int]
    """The ends of the rows, epoch ms."""
    measures: dict[str, list[float]]


class _Series:
    """Rows of `looks` looks each, at most `rows_max` of them."""

    def __init__(self, looks: int, rows_max: int) -> None:
        self.step_s = looks * STEP_S
        self.rows: deque[array[float]] = deque(maxlen=rows_max)
        self._looks = looks
        self._before: tuple[Totals, float] | None = None
        self._gathered: dict[str, float] = {}
        self._seen = 0

    def look(self, now: Totals, seconds: float, at: int) -> None:
        if self._before is None:
            self._before = now, seconds
            return
        for measure in MEASURES.values():
            value = getattr(now, measure.gauge) if measure.gauge else None
            if value is not None:
                held = self._gathered.get(measure.gauge)
                self._gathered[measure.gauge] = value if held is None else measure.gather(held, value)
        self._seen += 1
        if self._seen < self._looks:
            return
        before, began = self._before
        values = [self._value(one, before, now, max(seconds - began, 1e-3)) for one in MEASURES.values()]
        self.rows.append(array("d", [at, *values]))
        self._before, self._gathered, self._seen = (now, seconds), {}, 0

    def _value(self, measure: SelfMeasure, before: Totals, now: Totals, span_s: float) -> float:
        value = self._gathered.get(measure.gauge) if measure.of is None else measure.of(before, now, span_s)
        return nan if value is None else round(value * measure.factor, _DECIMALS)


class SelfHistory:
    """`hours`: how much is kept in minutes."""

    def __init__(self, hours: float) -> None:
        self._fine = _Series(1, FINE_S // STEP_S)
        self._coarse = _Series(MINUTE_S // STEP_S, max(1, round(hours * HOUR_S / MINUTE_S)))

    def look(self, now: Totals, *, seconds: float, at: int) -> None:
        """Note the totals at `seconds` of a steady clock, `at` (epoch ms) of the wall clock."""
        self._fine.look(now, seconds, at)
        self._coarse.look(now, seconds, at)

    def span(self, length_s: float) -> HistorySpan:
        """The last `length_s` seconds: fine if they are kept so, else by the minute."""
        series = self._fine if length_s <= FINE_S else self._coarse
        wanted = max(1, round(length_s / series.step_s))
        rows = list(series.rows)[-wanted:]
        measures = {name: [row[place] for row in rows] for place, name in enumerate(MEASURES, 1)}
        return HistorySpan(series.step_s, [int(row[0]) for row in rows], measures)
