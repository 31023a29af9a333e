"""Watches the server's clock, and corrects what a wrong clock caused."""

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
"""After evd could take nothing, because the disk or the queue is full."""

STEP_MAX = 100
"""Rejections read at once."""

T = TypeVar("T")


async def watch_clock(clock: ServerClock, ingest: Ingest, writer: Writer, queries: RejectionQueries) -> None:
    """Run until cancelled; `ingest` reports the times of messages while the wall clock is not trusted."""
    reported = False
    while True:
        clock.look()
        ingest.heard = clock.heard if clock.doubted else None
        if clock.doubted != reported:
            reported = clock.doubted
            _report(clock)
        if clock.take_jump():
            await make_good(clock, ingest, writer, queries)
        await trio.sleep(LOOK_EVERY_S)


def _report(clock: ServerClock) -> None:
    if clock.doubted:
        log.error(
            "the server's clock is behind evd's own time, and is not trusted: set it, or set server.trust_clock",
            behind_s=clock.behind_ms // 1000,
        )
    else:
        log.info("the server's clock is trusted again")


async def make_good(clock: ServerClock, ingest: Ingest, writer: Writer, queries: RejectionQueries) -> None:
    """After the server's time jumped forward: judge again the statuses that lay ahead of it."""
    await _until_available(lambda: writer.write(MendClock(clock() + AHEAD_MS)))
    taken, after = 0, -1
    while True:
        listing = partial(queries.rejected_numbers, through=NUMBER_MAX, limit=STEP_MAX, error=TimeAhead.error)
        numbers = await _until_available(partial(listing, after=after))
        if not numbers:
            break
        for number in numbers:
            taken += await _until_available(partial(_take_again, number, ingest, writer, queries))
        after = numbers[-1]
    if taken:
        log.info("statuses that lay ahead of the server's clock were moved into their rings", statuses=taken)


async def _take_again(number: int, ingest: Ingest, writer: Writer, queries: RejectionQueries) -> bool:
    """Replay a rejection; whether it was taken. Raises Unavailable."""
    row = await queries.rejection(number)
    return row is not None and bool((await replay(row, ingest, writer))["taken"])


async def _until_available(attempt: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            return await attempt()
        except Unavailable:
            await trio.sleep(AGAIN_S)
