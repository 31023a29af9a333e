"""Watches the server's clock, and makes good what a wrong one did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from evd.clock import Clock
from evd.errors import TimeAhead, Unavailable
from evd.ingest import Ingest
from evd.log import log
from evd.server_clock import ServerClock
from evd.status import AHEAD_MS
from evd.store import MendClock
from evd.writer import Writer

LOOK_EVERY_S = 1.0

AGAIN_S = 5.0
"""After evd could take nothing: the disk is full, or the queue is."""

STEP_MAX = 100
"""Rejected requests taken between two questions which there are."""

Numbers = Callable[[int, str], Awaitable[list[int]]]
"""Gives the numbers of rejected requests above this one with this error, STEP_MAX at most, the lowest first."""
TakeAgain = Callable[[int], Awaitable[bool]]
"""Takes a rejected request; whether it was taken. Raises Unavailable."""


async def watch_clock(
    clock: ServerClock, ingest: Ingest, writer: Writer, numbers: Numbers, take_again: TakeAgain
) -> None:
    """Until it is cancelled; `ingest` is to tell the times that messages have while the wall clock is doubted."""
    told = False
    while True:
        clock.look()
        ingest.heard = clock.heard if clock.doubted else None
        if clock.doubted != told:
            told = clock.doubted
            _tell(clock)
        if clock.take_jump():
            await make_good(clock, writer, numbers, take_again)
        await trio.sleep(LOOK_EVERY_S)


def _tell(clock: ServerClock) -> None:
    if clock.doubted:
        log.error(
            "the server's clock is behind and is not believed: set it; if it is right, set server.trust_clock",
            behind_s=clock.behind_ms // 1000,
        )
    else:
        log.info("the server's clock is believed again")


async def make_good(clock: Clock, writer: Writer, numbers: Numbers, take_again: TakeAgain) -> None:
    """The server's time jumped forward: take what lay ahead of it before for what it is now."""
    taken = 0
    await _patiently(lambda: writer.write(MendClock(clock() + AHEAD_MS)))
    after = -1
    while step := await numbers(after, TimeAhead.error):
        for number in step:
            taken += await _patiently(lambda number=number: take_again(number))
        after = step[-1]
    if taken:
        log.info("statuses that lay ahead of the server's clock are in their rings", statuses=taken)


async def _patiently[T](attempt: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            return await attempt()
        except Unavailable:
            await trio.sleep(AGAIN_S)
