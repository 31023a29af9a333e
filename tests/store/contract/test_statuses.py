"""Statuses: which are kept, in which order, and how they are read."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from any_engine import WHOLE, AnyDatabase
from builders import NOW, arrival

from evd.store.records import NUMBER_MAX, PageLimit, TimeSpan

ALL = TimeSpan("386625", -NUMBER_MAX, NUMBER_MAX)


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
def test_pages_together_are_the_span(database: AnyDatabase, rows: int, down: bool) -> None:
    said = [arrival(time=NOW + 10 * number, seq=number) for number in range(8)]
    database.write(*said)
    span, found, after, more = TimeSpan("386625", NOW + 10, NOW + 60), [], None, True
    limit = PageLimit(rows, 10_000)
    while more:
        page, more = database.ask(lambda queries, at=after: queries.range_page(span, at, limit, down=down))
        found += page
        after = page[-1].sort_key
    assert [one.status_id for one in found] == [one.status_id for one in said[1:7]][:: -1 if down else 1]


def test_a_status_is_read_as_it_was_written(database: AnyDatabase) -> None:
    said = arrival(fields=b'{"range":2.5}', document=b'{"a":1}', flags="undecoded", seq=None)
    database.write(said)
    status = database.ask(lambda queries: queries.last("386625"))
    kept = database.ask(lambda queries: queries.kept(ALL, None, WHOLE))[0][0]
    assert status is not None and database.ask(lambda queries: queries.at("386625", status.sort_key)) == status
    assert database.ask(lambda queries: queries.at("386625", (NOW, -1, "another"))) is None
    names = ("vehicle", "status_id", "time", "seq", "connectivity", "payload", "fields", "received", "flags")
    assert [getattr(status, name) for name in names] == [getattr(said, name) for name in names]
    assert (kept.time, kept.seq, kept.document, kept.flags) == (NOW, None, b'{"a":1}', "undecoded")


def test_flags_are_counted_and_the_newest_flagged_one_is_found(database: AnyDatabase) -> None:
    flagged = [arrival(time=NOW + number, flags=flags) for number, flags in enumerate(["a b", "a", ""])]
    database.write(*flagged)
    assert database.ask(lambda queries: queries.flagged("386625")) == {"a": 2, "b": 1}
    newest = database.ask(lambda queries: queries.last_flagged("386625", "a"))
    assert newest is not None and newest.time == NOW + 1
    assert database.ask(lambda queries: queries.last_flagged("386625", "c")) is None


def test_what_is_behind_a_place_ties_in_the_order_they_came(database: AnyDatabase) -> None:
    ring = [
        arrival(time=NOW + at, seq=seq, payload=bytes([number]))
        for number, (at, seq) in enumerate([(0, 0), (10, 1), (10, 1), (10, 1), (10, 2), (20, None)])
    ]
    database.write(*ring, arrival(time=NOW + 10**9, seq=7))
    ids = [status.status_id for status in ring]

    def behind(at: int, seq: int, status_id: str, limit: int = 10) -> list[str]:
        places = database.ask(lambda queries: queries.since("386625", (NOW + at, seq, status_id), limit))
        return [one for _, _, one in places]

    assert behind(0, 0, ids[0]) == ids[1:6]
    assert behind(10, 1, ids[2]) == ids[3:6]
    assert behind(20, -1, ids[5]) == []
    assert behind(10, 1, "fallen out") == ids[1:6]
    assert behind(0, 0, ids[0], limit=2) == ids[4:6]
    lasts = database.ask(lambda queries: queries.lasts(10))
    assert [(vehicle, place[2]) for vehicle, place in lasts] == [("386625", ids[5])]


BucketOf = tuple[int, int, int, dict[str, Any]]


def bucketed(said: list[Any], width: int) -> list[BucketOf]:
    """In plain Python: start, statuses, time of the newest, and min, mean, max and last of each field."""
    buckets: dict[int, list[Any]] = {}
    for one in sorted(said, key=lambda one: (one.time, -1 if one.seq is None else one.seq)):
        buckets.setdefault(one.time - one.time % width, []).append(one)
    found = []
    for start, held in sorted(buckets.items()):
        values: dict[str, list[Any]] = {}
        for one in held:
            for name, value in json.loads(one.fields).items():
                if value is not None and not isinstance(value, (list, dict)):
                    values.setdefault(name, []).append(value)
        found.append((start, len(held), held[-1].time, {name: spread(all_) for name, all_ in values.items()}))
    return found


def spread(values: list[Any]) -> tuple[Any, ...]:
    numbers = [value for value in values if type(value) in (int, float)]
    if not numbers:
        return None, None, None, values[-1]
    return min(numbers), pytest.approx(sum(numbers) / len(numbers), abs=1e-6), max(numbers), values[-1]


def test_buckets_have_the_spread_of_each_field(database: AnyDatabase) -> None:
    database.open(capacity=30, rollup_days=0)
    draw = random.Random(5)
    fields = [
        {"range": draw.choice([None, 1, 2.5, 300]), "location": f"{n},1", "advanced": n % 2 == 0, "other": {"a": [n]}}
        for n in range(40)
    ]
    times = [NOW + draw.randrange(100) * 60_000 for _ in fields]
    said = [
        arrival(time=time, seq=n, fields=json.dumps(one).encode())
        for n, (time, one) in enumerate(zip(times, fields, strict=True))
    ]
    database.write(*said[:25])
    database.write(*said[25:])
    kept = sorted(said, key=lambda one: (one.time, one.seq))[-30:]
    for width in (60_000, 900_000, 3_600_000, 86_400_000):
        expected = bucketed(kept, width)
        found, more = database.ask(lambda queries, w=width: queries.buckets(ALL._replace(first=0), w, 100))
        assert not more and [tuple(one) for one in found] == expected
        down, more = database.ask(lambda queries, w=width: queries.buckets(ALL._replace(first=0), w, 2, down=True))
        assert [tuple(one) for one in down] == expected[::-1][:2] and more == (len(expected) > 2)
    span = TimeSpan("386625", kept[5].time, kept[-5].time)
    inside = [one for one in kept if span.first <= one.time <= span.last]
    found, _ = database.ask(lambda queries: queries.buckets(span, 900_000, 100))
    assert [tuple(one) for one in found] == bucketed(inside, 900_000), "no status outside of the span counts"
    assert database.ask(lambda queries: queries.buckets(ALL._replace(vehicle="NOBODY"), 1000, 9)) == ([], False)
