"""Buckets of whole hours count each status once: by the ring where it has all of an hour, else by the roll-up."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import orjson
import pytest
from any_engine import AnyDatabase
from builders import NOW, arrival

from evd.model.operations import Arrive, SetVehicle
from evd.model.units import DAY_MS, HOUR_MS, MINUTE_MS
from evd.store.records import TimeSpan
from evd.store.vehicle_records import Bucket, BucketValues

VEHICLE = "386625"
RING, STATUSES = 20, 130
BEGIN = NOW - NOW % DAY_MS - 5 * DAY_MS
WHOLE = TimeSpan(VEHICLE, 0, NOW + 3 * DAY_MS)
NUMBERS = ("state", "range", "current")


def sent(seed: int) -> list[Arrive]:
    """A status every 25 minutes, of which some have no number, a text, or come late."""
    chance, messages = random.Random(seed), []
    for number in range(STATUSES):
        fields: dict[str, Any] = {"location": f"{number},1", "advanced": number % 2 == 0}
        if number % 11:
            fields |= {"state": number % 4, "range": chance.choice([1, 2.5, 300])}
            fields |= {"current": -0.1 * chance.randrange(99)} if chance.random() < 0.5 else {}
        text = orjson.dumps(fields)
        messages.append(arrival(time=BEGIN + number * 25 * MINUTE_MS, seq=number, payload=text, fields=text))
    late = sorted(range(STATUSES), key=lambda number: number + chance.choice([0, 0, 0, 0, 3, 6]))
    return [messages[number] for number in late]


@pytest.fixture(params=[1, 2])
def told(request: pytest.FixtureRequest, database: AnyDatabase) -> list[Arrive]:
    """What was sent, in order; the database has all of it."""
    database.open(capacity=RING)
    messages = sent(request.param)
    for first in range(0, STATUSES, 7):
        database.write(*messages[first : first + 7])
    return sorted(messages, key=lambda one: one.time)


def fields_of(one: Arrive) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(one.fields)
    return found


def hour_of(one: Arrive) -> int:
    return one.time - one.time % HOUR_MS


def answerable(told: list[Arrive], span: TimeSpan) -> Iterable[tuple[Arrive, dict[str, Any]]]:
    """Statuses that count, and their fields: of hours that the ring no longer has as a whole, numbers only."""
    kept = {one.status_id for one in told[-RING:]}
    for hour, group in groupby(told, hour_of):
        held = list(group)
        inside = [one for one in held if span.first <= one.time <= span.last]
        in_ring = all(one.status_id in kept for one in held)
        known = span.first <= hour and hour + HOUR_MS - 1 <= span.last
        known |= len(inside) == len(held) and any(all(name in fields_of(one) for one in held) for name in NUMBERS)
        for one in inside:
            if in_ring or (one.status_id in kept and not known):
                yield one, fields_of(one)
            elif known:
                yield one, {name: value for name, value in fields_of(one).items() if name in NUMBERS}


def expected(told: list[Arrive], width: int, span: TimeSpan = WHOLE) -> list[Bucket]:
    buckets: list[Bucket] = []
    for start, group in groupby(answerable(told, span), lambda one: one[0].time - one[0].time % width):
        held = list(group)
        values: dict[str, list[Any]] = {}
        for _, fields in held:
            for name, value in fields.items():
                values.setdefault(name, []).append(value)
        spreads = {name: spread(of) for name, of in sorted(values.items())}
        buckets.append(Bucket(start, len(held), last_time(told, held), spreads))
    return buckets


def last_time(told: list[Arrive], held: list[tuple[Arrive, dict[str, Any]]]) -> int:
    """Of those that the ring has, or whose number a roll-up has."""
    kept = {one.status_id for one in told[-RING:]}
    return max((one.time for one, fields in held if fields or one.status_id in kept), default=hour_of(held[-1][0]))


def spread(values: list[Any]) -> BucketValues:
    if type(values[0]) in (str, bool):
        return BucketValues(None, None, None, values[-1])
    mean: Any = pytest.approx(sum(values) / len(values), abs=2e-6)
    return BucketValues(min(values), mean, max(values), values[-1])


def pages(database: AnyDatabase, width: int, limit: int, span: TimeSpan = WHOLE, *, down: bool = False) -> list[Bucket]:
    found: list[Bucket] = []
    more = True
    while more:
        part, more = database.ask(lambda queries, s=span: queries.buckets(s, width, limit, down=down))
        assert len(part) == limit or not more
        found += part
        start = found[-1].start
        span = span._replace(last=start - 1) if down else span._replace(first=start + width)
    return found


@pytest.mark.parametrize("width", [HOUR_MS, 3 * HOUR_MS, DAY_MS, 90 * DAY_MS])
def test_what_left_the_ring_is_in_its_buckets(database: AnyDatabase, told: list[Arrive], width: int) -> None:
    whole = expected(told, width)
    assert sum(bucket.statuses for bucket in whole) == STATUSES > 3 * RING
    for limit in (1, 7, 500):
        assert pages(database, width, limit) == whole
        assert pages(database, width, limit, down=True) == whole[::-1]


def test_no_status_outside_of_the_span_counts(database: AnyDatabase, told: list[Arrive]) -> None:
    chance = random.Random(3)
    for _ in range(60):
        first, last = sorted(chance.sample(range(BEGIN, told[-1].time + HOUR_MS, MINUTE_MS), 2))
        span = TimeSpan(VEHICLE, first, last)
        for width in (HOUR_MS, DAY_MS):
            assert pages(database, width, 500, span) == expected(told, width, span)


def test_a_width_of_no_whole_hours_has_what_the_ring_has(database: AnyDatabase, told: list[Arrive]) -> None:
    found = pages(database, 90 * MINUTE_MS, 500)
    assert sum(bucket.statuses for bucket in found) == RING
    assert all("location" in bucket.values for bucket in found)


def test_a_status_ahead_of_the_clock_counts_beside_a_roll_up(database: AnyDatabase) -> None:
    database.open(capacity=2)
    hour = NOW - NOW % HOUR_MS + 2 * DAY_MS
    ahead = arrival(time=hour + 5, seq=9, fields=b'{"range":9,"location":"9,9"}')
    later = hour + 2 * HOUR_MS
    database.write(*(arrival(time=hour + n, seq=n, now=later, fields=b'{"range":%d}' % n) for n in range(4)))
    database.write(SetVehicle(VEHICLE, NOW, keep=5))
    database.tidy()
    database.write(ahead)
    ((bucket,), more) = database.ask(lambda queries: queries.buckets(WHOLE, HOUR_MS, 5))
    assert not more and (bucket.start, bucket.statuses, bucket.last_time) == (hour, 5, hour + 5)
    assert bucket.values == {"range": BucketValues(0, 3, 9, 9), "location": BucketValues(None, None, None, "9,9")}


def test_without_roll_ups_only_the_ring_answers(database: AnyDatabase) -> None:
    database.open(capacity=RING, rollup_days=0)
    database.write(*sent(1))
    assert sum(bucket.statuses for bucket in pages(database, DAY_MS, 5)) == RING
