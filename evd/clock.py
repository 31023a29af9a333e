"""The machine's clocks, read in one place; pure code gets `now` as an argument."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns epoch ms."""


def now_ms() -> int:
    """The wall clock: epoch ms."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """ms since the machine's boot, suspended time included; setting the wall clock does not change it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
