"""Long lists are made a piece at a time, so that the loop serves others between two pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import trio

A = TypeVar("A")
B = TypeVar("B")

PIECE = 100
"""Rows of a list, some 20 µs each."""


async def in_pieces(work: Callable[[A], B], rows: Sequence[A]) -> list[B]:
    """`work` of each row."""
    done: list[B] = []
    for first in range(0, len(rows), PIECE):
        if first:
            await trio.lowlevel.checkpoint()
        done += map(work, rows[first : first + PIECE])
    return done
