"""The machine's clocks, asked in one place; whatever is pure gets `now` as an argument."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives epoch ms."""


def now_ms() -> int:
    """The wall clock: epoch ms."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """Counts ms from the machine's start on, also while it sleeps; nobody sets it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
