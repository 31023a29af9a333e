"""Python's collector of cycles, in nobody's way: its full passes are made when few connections are open.

A full pass looks at every object that is alive, so it takes the longer the more connections there are: 50 to 80 ms for
two thousand. By itself Python makes one in the middle of a crowd, for a crowd is what makes objects.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import trio

YOUNG, MIDDLE, NEVER = 5_000, 4, 1_000_000
"""Container objects between two passes over the youngest ones (1 to 3 ms), such passes between two over those that
outlived one (10 ms), and more of these than come between two full passes of evd's own."""

EVERY_S = 30.0

FEW = 256
"""Connections among which a full pass takes some milliseconds."""

LATEST_S = 600.0
"""A crowd that stays does not keep what others left for ever."""


def settle() -> None:
    """Once all is imported and built: what start-up made stays, so no pass need look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)


def is_due(connections: int, since_s: float) -> bool:
    """Whether to make a full pass, `since_s` after the last one."""
    return connections <= FEW or since_s >= LATEST_S


async def make_full_passes(connections: Callable[[], int]) -> None:
    """Until it is cancelled; `connections` says how many are open."""
    last = trio.current_time()
    while True:
        await trio.sleep(EVERY_S)
        now = trio.current_time()
        if is_due(connections(), now - last):
            gc.collect()
            last = now
