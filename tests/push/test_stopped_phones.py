"""Phones that had pushes lately and have none now are counted by the reason, page by page."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from builders import NOW, ROOMY, arrival, new_store
from pushed_outcomes import GOOD, OTHER, REGISTER, A, outcome
from registered_phones import phone

from evd.model.daemon_state import StoppedPhonesState
from evd.model.operations import Register
from evd.model.units import DAY_MS, HOUR_MS
from evd.push.stopped_phones import StoppedPhonesSearch
from evd.store.sqlite.read.queries import open_queries as asked

TODAY = NOW - 2 * HOUR_MS


@pytest.mark.parametrize(
    ("registered", "taken_at", "spoke_at", "hindered_until", "reason"),
    [
        pytest.param(phone("386625", GOOD, NOW - 31 * DAY_MS), NOW - DAY_MS, NOW, 0, "stale", id="not renewed"),
        pytest.param(REGISTER, NOW - DAY_MS, TODAY, 0, "missed", id="forgotten by evd"),
        pytest.param(REGISTER, NOW - DAY_MS, NOW - 60_000, 0, None, id="still to be sent"),
        pytest.param(REGISTER, NOW - DAY_MS, TODAY, TODAY + 1, None, id="held by the operator or the provider"),
        pytest.param(REGISTER, NOW - DAY_MS, TODAY, None, "off", id="no provider any more"),
    ],
)
async def test_phones_that_had_pushes_lately_and_have_none_now_are_counted_by_the_reason(
    database: Path,
    registered: Register,
    taken_at: int,
    spoke_at: int | None,
    hindered_until: int | None,
    reason: str | None,
) -> None:
    with closing(new_store(database, capacity=10, limits=ROOMY)) as store:
        store.write([registered, phone("B1", OTHER, NOW)])
        store.write([outcome(A, "taken", "m/1", at=taken_at)])
        store.write([arrival(time=spoke_at, seq=7, now=spoke_at)] if spoke_at else [])
        stopped = StoppedPhonesSearch(
            stale_ms=30 * DAY_MS,
            give_up_ms=HOUR_MS,
            hindered_until=None if hindered_until is None else lambda: hindered_until,
            clock=lambda: NOW,
        )
        async with asked(database) as queries:
            found = await stopped.look(queries)
    assert found == StoppedPhonesState(registered=2, **({reason: 1} if reason else {}))


async def test_all_registrations_are_looked_through_page_by_page(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evd.push.stopped_phones.PAGE", 3)
    with closing(new_store(database, capacity=10, limits=ROOMY)) as store:
        for number in range(1, 9):
            vehicle = f"{number:X}"
            store.write([phone(vehicle, GOOD, NOW - 31 * DAY_MS)])
            store.write([outcome(arrival(vehicle), "taken", "m/1", registration=number, at=NOW), arrival(vehicle)])
        stopped = StoppedPhonesSearch(
            stale_ms=30 * DAY_MS, give_up_ms=HOUR_MS, hindered_until=lambda: 0, clock=lambda: NOW + 1
        )
        async with asked(database) as queries:
            store.write([arrival(f"{number:X}", time=NOW + 5, seq=9) for number in range(1, 9)])
            assert await stopped.look(queries) == StoppedPhonesState(registered=8, stale=8)
