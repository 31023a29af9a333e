"""The daemon's upkeep: registrations that nobody renewed are forgotten, by a time that vehicles bear out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
import trio
import trio.testing
from builders import NOW, ROOMY, arrival, new_store, rows
from registered_phones import phone

from evd.daemon.maintenance import STEP_MAX, forget_unseen, run_maintenance
from evd.errors import Unavailable
from evd.model.operations import Arrive, ForgetRejected, Reject
from evd.model.units import DAY_MS, HOUR_MS
from evd.store.queries import Queries
from evd.store.sqlite.read.queries import open_queries as asked
from evd.store.writer import Writer


class House:
    """Registrations last seen so many days before NOW, and one status."""

    def __init__(self, path: Path, *, days: list[int], heard: Arrive) -> None:
        roomy = ROOMY._replace(registrations=2000)
        self.store = new_store(path, capacity=10, limits=roomy)
        registrations = [phone(f"{number:X}", f"token{number}", NOW - ago * DAY_MS) for number, ago in enumerate(days)]
        self.store.write([*registrations, heard])
        self.writer = Writer(
            self.store, queue_rows_max=10, queue_bytes_max=10_000, batch_rows_max=10, answer_timeout_s=5
        )
        self.path = path

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Queries]:
        async with asked(self.path) as queries, trio.open_nursery() as nursery:
            nursery.start_soon(self.writer.run)
            yield queries
            self.writer.close()
        self.store.close()

    def registrations(self) -> int:
        count: int = rows(self.path, "SELECT count(*) FROM registrations")[0][0]
        return count


async def forget(house: House, *, now: int = NOW) -> int:
    async with house.open() as queries:
        return await forget_unseen(house.writer, queries.heard_after, forget_after_days=270, now=now)


async def test_registrations_go_that_were_not_renewed_for_so_long_and_no_others(database: Path) -> None:
    house = House(database, days=[0, 1, 269, 271, 400], heard=arrival(time=NOW - HOUR_MS))
    assert await forget(house) == 2
    assert house.registrations() == 3


async def test_a_rejected_request_goes_when_it_can_no_longer_be_restored(database: Path) -> None:
    house = House(database, days=[], heard=arrival(time=NOW - HOUR_MS))
    for number, ago in ((1, DAY_MS + 1), (2, DAY_MS - 1)):
        house.store.write(
            [Reject(NOW, "POST /wlan", "e", "d", b"{}", b"%d" % number), ForgetRejected(number, NOW - ago)]
        )
    assert await forget(house) == 0
    assert rows(database, "SELECT number FROM forgotten") == [(2,)]


async def test_many_go_in_steps(database: Path) -> None:
    house = House(database, days=[1, *[300] * (2 * STEP_MAX + 1)], heard=arrival(time=NOW - HOUR_MS))
    assert await forget(house) == 2 * STEP_MAX + 1
    assert house.registrations() == 1


JUMPED = NOW + 730 * DAY_MS


@pytest.mark.parametrize(
    ("now", "heard"),
    [
        pytest.param(JUMPED, arrival(time=NOW, now=JUMPED), id="the clock jumped two years ahead"),
        pytest.param(JUMPED, arrival(time=JUMPED + 2 * DAY_MS, now=JUMPED), id="and a vehicle's clock further"),
        pytest.param(NOW, arrival(time=NOW - 8 * DAY_MS, now=NOW - 8 * DAY_MS), id="nobody spoke for a week"),
    ],
)
async def test_a_clock_that_no_vehicle_bears_out_makes_nobody_forgotten(
    database: Path, now: int, heard: Arrive
) -> None:
    house = House(database, days=[0, 1, 300], heard=heard)
    assert await forget(house, now=now) == 0
    assert house.registrations() == 3


async def test_house_is_kept_a_minute_after_the_start_and_then_each_hour(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Also where the database did not answer once."""
    looked: list[float] = []

    async def heard_after(time: int) -> bool:
        looked.append(trio.current_time())
        raise Unavailable("the database is slow: ask again later")

    began = trio.current_time()
    with trio.move_on_after(2 * 3600 + 61):
        await run_maintenance(cast("Writer", None), heard_after, forget_after_days=270, clock=lambda: NOW)
    assert [round(at - began) for at in looked] == [60, 3660, 7260]
