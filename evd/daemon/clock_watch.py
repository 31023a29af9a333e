"""Watches the server's clock, and makes good what a wrong one did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import trio

from evd.api.v1.rejections import replay
from evd.daemon.server_clock import ServerClock
from evd.errors import TimeAhead, Unavailable
from evd.ingest.service import Ingest
from evd.log.logger import log
from evd.model.operations import MendClock
from evd.model.status import AHEAD_MS
from evd.store.queries import RejectionQueries
from evd.store.records import NUMBER_MAX
from evd.store.writer import Writer

LOOK_EVERY_S = 1.0

AGAIN_S = 5.0
"""After evd could take nothing: the disk is full, or the queue is."""

STEP_MAX = 100
"""Rejected requests taken between two questions which there are."""

T = TypeVar("T")


async def watch_clock(clock: ServerClock, ingest: Ingest, writer: Writer, queries: RejectionQueries) -> None:
    """Until it is cancelled; `ingest` is to tell the times that messages have while the wall clock is doubted."""
    told = False
    while True:
        clock.look()
        ingest.heard = clock.heard if clock.doubted else None
        if clock.doubted != told:
            told = clock.doubted
            _tell(clock)
        if clock.take_jump():
            await make_good(clock, ingest, writer, queries)
        await trio.sleep(LOOK_EVERY_S)


def _tell(clock: ServerClock) -> None:
    if clock.doubted:
        log.error(
            "the server's clock is behind what evd saw, and is not believed: set it, or set server.trust_clock",
            behind_s=clock.behind_ms // 1000,
        )
    else:
        log.info("the server's clock is believed again")


async def make_good(clock: ServerClock, ingest: Ingest, writer: Writer, queries: RejectionQueries) -> None:
    """The server's time jumped forward: take what lay ahead of it before for what it is now."""
    await _patiently(lambda: writer.write(MendClock(clock() + AHEAD_MS)))
    taken, after = 0, -1
    while True:
        listing = partial(queries.rejected_numbers, through=NUMBER_MAX, limit=STEP_MAX, error=TimeAhead.error)
        numbers = await _patiently(partial(listing, after=after))
        if not numbers:
            break
        for number in numbers:
            taken += await _patiently(partial(_take_again, number, ingest, writer, queries))
        after = numbers[-1]
    if taken:
        log.info("statuses that lay ahead of the server's clock are in their rings", statuses=taken)


async def _take_again(number: int, ingest: Ingest, writer: Writer, queries: RejectionQueries) -> bool:
    """Whether the rejected request was taken. Raises Unavailable."""
    row = await queries.rejection(number)
    return row is not None and bool((await replay(row, ingest, writer))["taken"])


async def _patiently(attempt: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            return await attempt()
        except Unavailable:
            await trio.sleep(AGAIN_S)
