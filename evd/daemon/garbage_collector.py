"""Python's cyclic garbage collector, kept from blocking the loop: when it makes a full pass, and over which objects.

A full pass visits every live object that is not frozen: 50 to 80 ms for 2,000 connections, 200 ms for a million
vehicles. Python by itself makes one under high load, because load creates objects.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import trio

YOUNG, MIDDLE, NEVER = 5_000, 4, 1_000_000
"""Thresholds of gc.set_threshold: new container objects between two passes over the youngest generation (1 to 3 ms);
such passes between two over the middle generation (10 ms); so many of these that Python never makes a full pass."""

LOOK_EVERY_S = 1.0
EVERY_S = 30.0

GROWN = 3
"""Passes over the middle generation, of 20,000 objects each, after which a full one is due at once: 60,000 new objects
take 20 ms if they are not in the processor's cache."""

FEW = 256
"""Open connections with which a full pass takes some milliseconds."""

LATEST_S = 600.0
"""A full pass is due after this even with many connections, so that garbage does not stay for ever."""

LONG_S = 0.005
"""A pass with more processor time should not visit the same objects again: they are the fleet's, which stay."""


def settle() -> None:
    """To be called after the start: freeze its objects, which stay, so that no pass visits them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)


def is_due(connections: int, since_s: float, grown: int) -> bool:
    """Whether to make a full pass, `since_s` and `grown` middle passes after the last one."""
    if connections > FEW:
        return since_s >= LATEST_S
    return since_s >= EVERY_S or grown >= GROWN


def make_full_pass(connections: int, now: Callable[[], float] = time.thread_time) -> None:
    """Make a full pass; if it took long, freeze what is left.

    A frozen object is freed when nothing refers to it, but in a cycle it stays for good. So with many connections
    nothing is frozen; with few of them little can be lost.
    """
    began = now()
    gc.collect()
    if connections <= FEW and now() - began > LONG_S:
        gc.freeze()


async def make_full_passes(connections: Callable[[], int]) -> None:
    """Run until cancelled; `connections` returns how many are open."""
    last = trio.current_time()
    while True:
        await trio.sleep(LOOK_EVERY_S)
        now = trio.current_time()
        if is_due(connections(), now - last, gc.get_count()[2]):
            make_full_pass(connections())
            last = now
