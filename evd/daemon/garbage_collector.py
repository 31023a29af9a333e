"""Python's collector of cycles, kept from holding the loop: when it makes a full pass, and over what.

A full pass looks at every object that is alive and not frozen: 50 to 80 ms for two thousand connections, 200 ms for a
million vehicles. By itself Python makes one in the middle of a crowd, for a crowd is what makes objects.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import trio

YOUNG, MIDDLE, NEVER = 5_000, 4, 1_000_000
"""Container objects between two passes over the youngest ones (1 to 3 ms), such passes between two over those that
outlived one (10 ms), and more of these than come between two full passes of evd's own."""

LOOK_EVERY_S = 1.0
EVERY_S = 30.0

GROWN = 3
"""Passes over the middle generation, of 20,000 objects each, after which a full one does not wait any longer: 60,000
new objects take 20 ms where no cache holds them."""

FEW = 256
"""Connections among which a full pass takes some milliseconds."""

LATEST_S = 600.0
"""A crowd that stays does not keep what others left for ever."""

LONG_S = 0.005
"""Processor time of a pass that is not to be repeated over the same objects: they are a fleet, which stays."""


def settle() -> None:
    """Once all is imported and built: what start-up made stays, so no pass need look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)


def is_due(connections: int, since_s: float, grown: int) -> bool:
    """Whether to make a full pass, `since_s` and `grown` middle passes after the last one."""
    if connections > FEW:
        return since_s >= LATEST_S
    return since_s >= EVERY_S or grown >= GROWN


def make_full_pass(connections: int, now: Callable[[], float] = time.thread_time) -> None:
    """A full pass; where it took long, what is left after it is frozen.

    What is frozen goes when nothing refers to it, but in a cycle it stays for good. So nothing is frozen in a crowd:
    of few connections little is lost, beside the fleet that made the pass long.
    """
    began = now()
    gc.collect()
    if connections <= FEW and now() - began > LONG_S:
        gc.freeze()


async def make_full_passes(connections: Callable[[], int]) -> None:
    """Until it is cancelled; `connections` says how many are open."""
    last = trio.current_time()
    while True:
        await trio.sleep(LOOK_EVERY_S)
        now = trio.current_time()
        if is_due(connections(), now - last, gc.get_count()[2]):
            make_full_pass(connections())
            last = now
