"""What is derived of a vehicle, as queries answer it: what is stored, and what only the ring has yet, in pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from itertools import groupby
from typing import Any

import orjson
import pytest
from any_engine import AnyDatabase
from builders import NOW, arrival

from evd.derived.fold import derive, merged
from evd.derived.open_part import RollupSum
from evd.derived.rollups import Rollup
from evd.derived.samples import CHARGING, DRIVING, read_sample
from evd.model.operations import Arrive, PriceCharging, UnknownVehicle
from evd.model.units import DAY_MS, HOUR_MS, MINUTE_MS
from evd.store.derived_rows import RollupRow
from evd.store.records import TimeSpan

BEGIN = NOW - NOW % DAY_MS - 4 * DAY_MS
STATES = [0, 0, 1, 1, 1, 2, 3, 3, 0]
ALWAYS = TimeSpan("386625", 0, NOW)


def told() -> list[Arrive]:
    """Three days, a status every 40 minutes; the last one charges."""
    messages = []
    for number in range(105):
        fields = {"state": STATES[number % 9], "current_charge": 50 + number % 9, "range": 200 - number % 9}
        payload = orjson.dumps(fields)
        messages.append(arrival(time=BEGIN + number * 40 * MINUTE_MS, seq=number, payload=payload, fields=payload))
    return messages


def expected(messages: list[Arrive]) -> Any:
    return derive([read_sample(one.time, one.seq or 0, one.status_id, one.fields) for one in messages])


@pytest.fixture
def filled(database: AnyDatabase) -> AnyDatabase:
    database.open(capacity=20)
    for first in range(0, 105, 7):
        database.write(*told()[first : first + 7])
    return database


PAGES: dict[str, Callable[..., Awaitable[Any]]] = {
    "activities": lambda queries, *asked, limit: queries.activities(*asked, limit=limit),
    "hours": lambda queries, *asked, limit: queries.hours(*asked, limit=limit),
    "day_rollups": lambda queries, *asked, limit: queries.day_rollups(*asked, limit=limit),
}


async def page_of(method: str, *arguments: Any, limit: int) -> Any:
    *asked, queries = arguments
    return await PAGES[method](queries, *asked, limit=limit)


def pages(database: AnyDatabase, method: str, after: Any, *arguments: Any, limit: int) -> list[Any]:
    found: list[Any] = []
    while True:
        listing = database.ask(partial(page_of, method, *arguments, after, limit=limit))
        assert len(listing.rows) <= limit
        found += listing.rows
        if listing.following is None:
            return found
        after = listing.following if method == "activities" else listing.following[0]


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_sessions_and_trips_in_pages_with_the_open_one(filled: AnyDatabase, limit: int) -> None:
    derived = expected(told())
    for kind in (CHARGING, DRIVING):
        found = pages(filled, "activities", (-1, -1, ""), ALWAYS, kind, limit=limit)
        ended = [(one.activity, one.by.rank, False) for one in derived.ended if one.activity.kind == kind]
        live = [derived.open] if derived.open is not None and derived.open.kind == kind else []
        assert [row.activity for row in found] == [one[0] for one in ended] + live
        assert [row.live for row in found] == [False] * len(ended) + [True] * len(live)


def shown(one: Rollup) -> RollupRow:
    whole = RollupSum(one)
    return RollupRow(whole.counts(), whole.shown_measures())


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_hours_and_days_in_pages_with_the_one_that_goes_on(filled: AnyDatabase, limit: int) -> None:
    parts = expected(told()).parts
    assert pages(filled, "hours", -1, ALWAYS, limit=limit) == [shown(part) for part in parts]
    days = [merged(list(group), day * DAY_MS, day) for day, group in groupby(parts, lambda part: part.day)]
    assert pages(filled, "day_rollups", -1, ALWAYS, limit=limit) == [shown(one) for one in days]


def test_a_span_bounds_what_is_found(filled: AnyDatabase) -> None:
    span = TimeSpan("386625", BEGIN + DAY_MS, BEGIN + DAY_MS + 3 * HOUR_MS)
    hours: list[RollupRow] = pages(filled, "hours", -1, span, limit=100)
    assert [one.counts.start - BEGIN - DAY_MS for one in hours] == [0, HOUR_MS, 2 * HOUR_MS]
    assert [one.counts.day - BEGIN // DAY_MS for one in pages(filled, "day_rollups", -1, span, limit=100)] == [1]
    for row in pages(filled, "activities", (-1, -1, ""), span, CHARGING, limit=100):
        assert row.activity.start < span.last
        assert row.ended_by[0] >= span.first


def test_an_unknown_vehicle_has_nothing(filled: AnyDatabase) -> None:
    nobody = TimeSpan("nobody", 0, NOW)
    assert pages(filled, "hours", -1, nobody, limit=5) == pages(filled, "day_rollups", -1, nobody, limit=5) == []
    assert pages(filled, "activities", (-1, -1, ""), nobody, CHARGING, limit=5) == []
    assert filled.ask(lambda queries: queries.derived_facts("nobody")) is None
    (refused,) = filled.write(PriceCharging("nobody", b'{"currency":"EUR"}'))
    assert isinstance(refused, UnknownVehicle)


def test_what_is_set_for_a_vehicle(filled: AnyDatabase) -> None:
    filled.write(PriceCharging("386625", b'{"currency":"EUR","per_kwh":0.25}'))
    facts = filled.ask(lambda queries: queries.derived_facts("386625"))
    assert facts is not None and facts.tariff is not None
    assert (facts.zone, facts.tariff.per_kwh, facts.electricity.battery_kwh) == ("UTC", 0.25, None)


def test_where_nothing_is_derived_only_the_ring_has_an_answer(database: AnyDatabase) -> None:
    database.open(capacity=20, rollup_days=0)
    database.write(*told())
    days = [one.counts.day for one in pages(database, "day_rollups", -1, ALWAYS, limit=5)]
    assert BEGIN // DAY_MS not in days, "its statuses have left the ring"
