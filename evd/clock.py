"""The wall clock, asked in one place; whatever is pure gets `now` as an argument."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives epoch ms."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000
