"""A real store, its writer and the event engine, on trio's clock."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
import trio.testing
from builders import NOW, arrival, rows

from evd.errors import StoreBusy
from evd.events.engine import EventEngine
from evd.model.commits import CommitSummary
from evd.model.operations import (
    Operation,
    Register,
)
from evd.model.units import MINUTE_MS
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.read.event_state import SqliteEventState
from evd.store.writer import Writer

Opener = Callable[..., SqliteDatabase]


VEHICLE = "386625"


def register(
    token: str = "phone", *, uid: str = "martin", vehicle: str = VEHICLE, kind: Any = "token", at: int = NOW
) -> Register:
    return Register(vehicle, vehicle, token, uid, at, kind)


def waiting(database: Path) -> list[tuple[Any, ...]]:
    return rows(
        database,
        "SELECT e.time, r.token, o.due, o.expires FROM outbox AS o JOIN events AS e ON e.number = o.event"
        " JOIN registrations AS r ON r.number = o.registration ORDER BY o.number",
    )


class Chain:
    """A real store, writer and event engine; the wall clock shows NOW at the start and goes with trio's."""

    def __init__(self, store: SqliteDatabase, database: Path, **options: Any) -> None:
        self.database = database
        self.now = int(NOW - trio.current_time() * 1000)
        self.writer = Writer(
            store,
            queue_rows_max=1000,
            queue_bytes_max=1 << 20,
            batch_rows_max=100,
            answer_timeout_s=1e6,
        )
        self.watched = BusyAtTimes(database)
        settings: dict[str, Any] = {"queue_max": 100, "memories_max": 10} | options
        self.engine = EventEngine(
            self.watched, self.writer, clock=lambda: self.now + int(trio.current_time() * 1000), **settings
        )
        self.deaf = False
        self.writer.observers.append(self)

    def committed(self, summary: CommitSummary) -> None:
        if not self.deaf:
            self.engine.committed(summary)

    async def write(self, *operations: Operation) -> None:
        for operation in operations:
            await self.writer.write(operation)

    async def charge(self, *charges: float, minute: int = 0, state: int = 1, vehicle: str = VEHICLE) -> None:
        for number, charge in enumerate(charges):
            fields = json.dumps({"state": state, "current_charge": charge, "target_charge": 80}).encode()
            time = NOW + (minute + number) * MINUTE_MS
            await self.write(arrival(vehicle, time=time, payload=None, fields=fields, received=time, now=time))

    async def settled(self, clock: trio.testing.MockClock | None = None) -> list[str]:
        """The kinds of events, once the engine has looked at everything; `clock` helps it over what it waits for."""
        while self.engine.behind:
            await trio.lowlevel.checkpoint()
            if clock:
                await trio.testing.wait_all_tasks_blocked(0.001)
                clock.jump(0.1)
        return [kind for (kind,) in rows(self.database, "SELECT kind FROM events ORDER BY number")]

    async def walked(self, clock: trio.testing.MockClock, *, after_s: float = 600) -> list[str]:
        """As `settled`, once it has begun another walk after so much time, and ended it."""
        await trio.testing.wait_all_tasks_blocked(0.001)
        walks = self.engine.walks
        clock.jump(after_s)
        while self.engine.walks <= walks:
            await trio.lowlevel.checkpoint()
        return await self.settled()


class BusyAtTimes(SqliteEventState):
    busy = 0

    def _all(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        if self.busy:
            self.busy -= 1
            raise StoreBusy("another process is writing")
        return super()._all(sql, values)


@asynccontextmanager
async def running(store: SqliteDatabase, database: Path, **options: Any) -> AsyncIterator[Chain]:
    chain = Chain(store, database, **options)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(chain.writer.run)
        nursery.start_soon(chain.engine.run)
        yield chain
        nursery.cancel_scope.cancel()
    chain.engine.close()
