"""Roll-ups: of each measure the count, sum, least, greatest, first and last value, and what lies between statuses.

All of it is the same in whatever order statuses are added, and may be merged in any order. So sums are of whole
numbers, and of two values with one time and seqNumber the lesser counts as first and the greater as last.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from evd.derived.samples import CHARGING, DRIVING, FULL_RANGE, NUMBERS, ROLLED_UP, StatusSample, full_range, millionths


class Between(NamedTuple):
    """What happened between two statuses with none between them; it counts where the later one does."""

    charged: int = 0
    """Thousandths of a % that the charge rose."""
    used: int = 0
    """Thousandths of a % that it fell."""
    driven: int = 0
    """Metres that the range fell while the vehicle drove."""
    current: int = 0
    """The current over time while it charged, in mA times ms, twice."""


def between(one: StatusSample | None, other: StatusSample | None) -> Between:
    """Of two statuses that follow each other; nothing if one of them is missing."""
    if one is None or other is None:
        return NOTHING
    charged = used = driven = current = 0
    if one.charge is not None and other.charge is not None:
        change = round(other.charge * 1000) - round(one.charge * 1000)
        charged, used = max(change, 0), max(-change, 0)
    if DRIVING in (one.state, other.state) and one.range is not None and other.range is not None:
        driven = max(round(one.range * 1000) - round(other.range * 1000), 0)
    if one.state == CHARGING and other.state == CHARGING:
        current = current_over_time(one, other)
    return Between(charged, used, driven, current)


NOTHING = Between()


def current_over_time(one: StatusSample, other: StatusSample) -> int:
    """See `Between.current`; as far as both currents are known."""
    if one.current is None or other.current is None:
        return 0
    return (round(abs(one.current) * 1000) + round(abs(other.current) * 1000)) * (other.time - one.time)


class Spread(msgspec.Struct, array_like=True, gc=False):
    """Of one measure. The first and the last value have the time and seqNumber of their statuses."""

    count: int
    total: int
    """Millionths."""
    least: float
    greatest: float
    first: float
    last: float
    first_at: tuple[int, int]
    last_at: tuple[int, int]

    @property
    def mean(self) -> float:
        return self.total / self.count / 1e6

    def take(self, other: Spread) -> None:
        self.count += other.count
        self.total += other.total
        if other.least < self.least:
            self.least = other.least
        if other.greatest > self.greatest:
            self.greatest = other.greatest
        if other.first_at < self.first_at or (other.first_at == self.first_at and other.first < self.first):
            self.first_at, self.first = other.first_at, other.first
        if other.last_at > self.last_at or (other.last_at == self.last_at and other.last > self.last):
            self.last_at, self.last = other.last_at, other.last


class Rollup(msgspec.Struct, omit_defaults=True):
    """Of a part, an hour or a day. `start` is epoch ms, `day` the vehicle's day (days since 1970-01-01)."""

    start: int
    day: int
    messages: int = 0
    charged: int = 0
    used: int = 0
    driven: int = 0
    current: int = 0
    measures: dict[str, Spread] = {}

    def add(self, sample: StatusSample) -> None:
        """A status of this part, without what lies between it and others."""
        self.messages += 1
        at = (sample.time, sample.seq)
        for name, value in zip(NUMBERS, sample.numbers, strict=True):
            if value is not None:
                self._spread(name, value, at)
        full = full_range(sample.numbers)
        if full is not None:
            self._spread(FULL_RANGE, full, at)

    def _spread(self, name: str, value: float, at: tuple[int, int]) -> None:
        found = Spread(1, millionths(value), value, value, value, value, at, at)
        there = self.measures.get(name)
        if there is None:
            self.measures[name] = found
        else:
            there.take(found)

    def add_between(self, what: Between, times: int = 1) -> None:
        """Count it, or with -1 take it back."""
        self.charged += times * what.charged
        self.used += times * what.used
        self.driven += times * what.driven
        self.current += times * what.current

    def merge(self, other: Rollup) -> None:
        """Add what another one has."""
        self.messages += other.messages
        self.add_between(Between(other.charged, other.used, other.driven, other.current))
        for name, spread in other.measures.items():
            there = self.measures.get(name)
            if there is None:
                self.measures[name] = msgspec.structs.replace(spread)
            else:
                there.take(spread)


COUNTS = ("n", "charged", "used", "driven", "current")
"""The names of a roll-up's counts as it is stored."""


def written(rollup: Rollup) -> str:
    """As it is stored: JSON, the measures in one order; a spread of equal values has them once."""
    counts = (rollup.messages, rollup.charged, rollup.used, rollup.driven, rollup.current)
    parts: dict[str, Any] = {name: value for name, value in zip(COUNTS, counts, strict=True) if value}
    spreads = [(name, rollup.measures[name]) for name in ROLLED_UP if name in rollup.measures]
    at = _at(rollup, spreads[0][1]) if spreads else []
    parts["at"] = at
    parts["of"] = {name: _short(rollup, spread, at) for name, spread in spreads}
    return msgspec.json.encode(parts).decode()


def read_rollup(start: int, day: int, text: str | bytes) -> Rollup:
    """What `written` wrote."""
    parts = msgspec.json.decode(text)
    measures = {name: _long(start, values, parts["at"]) for name, values in parts["of"].items()}
    messages, charged, used, driven, current = (parts.get(name, 0) for name in COUNTS)
    return Rollup(start, day, messages, charged, used, driven, current, measures)


def _at(rollup: Rollup, spread: Spread) -> list[int]:
    (first, first_seq), (last, last_seq) = spread.first_at, spread.last_at
    return [first - rollup.start, first_seq, last - rollup.start, last_seq]


def _short(rollup: Rollup, spread: Spread, usual: list[int]) -> list[Any]:
    """[count, value], or [count, least, greatest, first, last, total]; then their times if not `usual`."""
    at, value = _at(rollup, spread), spread.least
    end: list[Any] = [] if at == usual else [at]
    if value == spread.greatest:  # then its total is the count times its millionths
        return [spread.count, plain(value), *end]
    return [
        *(spread.count, *map(plain, (spread.least, spread.greatest, spread.first, spread.last)), spread.total),
        *end,
    ]


def _long(start: int, values: list[Any], usual: list[int]) -> Spread:
    *numbers, end = values
    if type(end) is not list:
        numbers, end = values, usual
    first, first_seq, last, last_seq = end
    at = ((start + first, first_seq), (start + last, last_seq))
    if len(numbers) == 2:
        count, value = numbers[0], float(numbers[1])
        return Spread(count, count * millionths(value), value, value, value, value, *at)
    count, least, greatest, first_value, last_value, total = numbers
    return Spread(count, total, float(least), float(greatest), float(first_value), float(last_value), *at)


def plain(value: float) -> float:
    """As it is written: a whole number without decimals."""
    return int(value) if value == int(value) else value
