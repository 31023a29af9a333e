"""Buckets of a ring's statuses: each has the least, mean, greatest and last value of its fields; pages are bounded."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import groupby
from statistics import fmean
from typing import Any

import msgspec
import orjson
import pytest
from builders import NOW
from tangled_ring import VEHICLE, tangled

from evd.model.operations import SetVehicle
from evd.store.records import NUMBER_MAX, TimeSpan
from evd.store.sqlite import ring_buckets
from evd.store.sqlite.connection import open_reader
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.ring_buckets import DIGITS, read_buckets
from evd.store.vehicle_records import Bucket, BucketValues

Opener = Callable[..., SqliteDatabase]
WHOLE = TimeSpan(VEHICLE, -NUMBER_MAX, NUMBER_MAX)


def filled(open_store: Opener, seed: int) -> Any:
    """A ring with an overflow whose statuses have numbers, texts, truths and lists."""
    chance, store = random.Random(seed), open_store(capacity=40)
    store._rings.shift_max = 2  # type: ignore[attr-defined]
    for one in tangled(seed):
        fields = {"charge": chance.randrange(100), "location": f"{chance.randrange(9)},1", "on": chance.random() < 0.5}
        some = {name: value for name, value in fields.items() if chance.random() < 0.7}
        store.write([msgspec.structs.replace(one, fields=orjson.dumps({**some, "wlans": [1]}))])
    return store


@pytest.fixture
def reader(open_store: Opener, request: pytest.FixtureRequest) -> Iterator[Any]:
    store = filled(open_store, getattr(request, "param", 1))
    with closing(open_reader(store.path)) as connection:
        yield connection


def expected(reader: Any, span: TimeSpan, width: int) -> list[Bucket]:
    """One by one, in the order of the view."""
    sql = "SELECT time, fields FROM ring WHERE vehicle = ? AND time BETWEEN ? AND ? ORDER BY time, seq, position"
    found = [(time, orjson.loads(fields)) for time, fields in reader.execute(sql, (VEHICLE, span.first, span.last))]
    buckets = []
    for start, group in groupby(found, lambda row: row[0] - row[0] % width):
        statuses = list(group)
        values: dict[str, list[Any]] = {}
        for _, fields in statuses:
            for name, value in fields.items():
                if name != "wlans":
                    values.setdefault(name, []).append(value)
        buckets.append(Bucket(start, len(statuses), statuses[-1][0], {n: of(v) for n, v in sorted(values.items())}))
    return buckets


def of(values: list[Any]) -> BucketValues:
    if any(isinstance(value, str | bool) for value in values):
        return BucketValues(None, None, None, values[-1])
    return BucketValues(min(values), round(fmean(values), DIGITS), max(values), values[-1])


@pytest.mark.parametrize("reader", range(3), indirect=True)
@pytest.mark.parametrize("width", [1000, 3000, 5000])
def test_buckets_are_what_grouping_one_by_one_gives(reader: Any, width: int) -> None:
    for span in (WHOLE, TimeSpan(VEHICLE, NOW + 2500, NOW + 9000)):
        whole = expected(reader, span, width)
        assert read_buckets(reader, span, width, 100) == (whole, False)
        assert read_buckets(reader, span, width, 100, down=True) == (whole[::-1], False)
        assert read_buckets(reader, span, width, 2) == (whole[:2], len(whole) > 2)


def test_a_page_has_whole_buckets_of_so_many_statuses_and_always_one(
    reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = [bucket.statuses for bucket in read_buckets(reader, WHOLE, 1000, 100)[0]]
    for most, buckets in ((sum(counts[:3]), 3), (sum(counts[:3]) - 1, 2), (1, 1), (sum(counts), len(counts))):
        monkeypatch.setattr(ring_buckets, "STATUSES_MAX", most)
        found, more = read_buckets(reader, WHOLE, 1000, 100)
        assert ([bucket.statuses for bucket in found], more) == (counts[:buckets], buckets < len(counts))


def test_a_lowered_ring_that_is_not_trimmed_yet_shows_what_it_keeps(open_store: Opener) -> None:
    store = filled(open_store, 1)
    store.write([SetVehicle(VEHICLE, NOW, keep=7)])
    with closing(open_reader(store.path)) as reader:
        buckets, _ = read_buckets(reader, WHOLE, 1000, 100)
        assert buckets == expected(reader, WHOLE, 1000)
    assert sum(bucket.statuses for bucket in buckets) == 7


def test_an_unknown_vehicle_has_no_buckets(reader: Any) -> None:
    assert read_buckets(reader, TimeSpan("NOBODY", 0, NUMBER_MAX), 1000, 9) == ([], False)
