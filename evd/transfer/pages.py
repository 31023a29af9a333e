"""Read what moves out, a page at a time: each page is one short read of the database, and nothing is held between two.

So neither memory nor the WAL grows with the length of an export, and callbacks that come meanwhile are no hindrance.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Any, TypeVar

import trio

from evd.errors import Unavailable
from evd.model.kept_status import KeptStatus
from evd.store.queries import Queries
from evd.store.records import Listing, PageLimit, SortKey, TimeSpan

PAGE = PageLimit(rows=500, size_bytes=512 * 1024)
ROWS = 500
VEHICLES = 500

TRIES = 5
AGAIN_AFTER_S = 1.0
"""A page that the database does not give within some seconds is asked for again so often."""

T = TypeVar("T")


async def statuses(queries: Queries, vehicles: Sequence[str], first: int, last: int) -> AsyncIterator[list[KeptStatus]]:
    """The kept statuses of these vehicles, or of all, from `first` to `last` (epoch ms), by vehicle and time."""
    if vehicles:
        for vehicle in vehicles:
            async for page in _of_vehicle(queries, TimeSpan(vehicle, first, last)):
                yield page
        return
    start = ""
    while found := await _patiently(partial(queries.vehicles_from, start, VEHICLES)):
        for vehicle in found:
            async for page in _of_vehicle(queries, TimeSpan(vehicle, first, last)):
                yield page
        start = found[-1] + "\0"


async def _of_vehicle(queries: Queries, span: TimeSpan) -> AsyncIterator[list[KeptStatus]]:
    after: SortKey | None = None
    more = True
    while more:
        page, more = await _patiently(partial(queries.kept, span, after, PAGE))
        if page:
            yield page
            after = page[-1].sort_key


async def owners(queries: Queries, vehicles: Sequence[str], relations: Collection[str]) -> AsyncIterator[list[Any]]:
    """Who has one of these relations to these vehicles, or to any."""
    for vehicle in _each(vehicles):
        async for page in _listed(partial(queries.moved_owners, vehicle=vehicle, limit=ROWS)):
            yield [row for row in page if row["relation"] in relations]


async def registrations(queries: Queries, vehicles: Sequence[str], kinds: Collection[str]) -> AsyncIterator[list[Any]]:
    """The phones of these vehicles, or of all."""
    for vehicle in _each(vehicles):
        async for page in _listed(partial(queries.moved_registrations, vehicle=vehicle, kinds=kinds, limit=ROWS)):
            yield page


def _each(vehicles: Sequence[str]) -> Sequence[str | None]:
    """None stands for all."""
    return vehicles or [None]


async def _listed(ask: Callable[..., Awaitable[Listing[Any]]]) -> AsyncIterator[list[Any]]:
    after: dict[str, Any] = {}
    while True:
        found = await _patiently(partial(ask, **after))
        if found.rows:
            yield found.rows
        if found.following is None:
            return
        after = {"after": found.following}


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Raises Unavailable if the database is slow for long."""
    for _ in range(TRIES - 1):
        try:
            return await ask()
        except Unavailable:
            await trio.sleep(AGAIN_AFTER_S)
    return await ask()
