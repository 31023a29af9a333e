"""Tasks of a nursery that others wait for, or end by themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import trio


def start(nursery: trio.Nursery, task: Callable[..., Awaitable[None]], *args: Any) -> trio.Event:
    """Start a task; the event is set when it has ended."""
    ended = trio.Event()

    async def watched() -> None:
        try:
            await task(*args)
        finally:
            ended.set()

    nursery.start_soon(watched, name=task)  # so that who lists tasks sees which one it is
    return ended


def start_within(nursery: trio.Nursery, task: Callable[[], Awaitable[None]]) -> trio.CancelScope:
    """Start a task that the scope ends."""
    scope = trio.CancelScope()

    async def scoped() -> None:
        with scope:
            await task()

    nursery.start_soon(scoped, name=task)
    return scope
