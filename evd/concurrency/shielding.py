"""Waiting for what must not be left half-way, a commit or a thread at work: through a cancellation, not for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import outcome
import trio

GRACE_S = 2.0
"""After a cancellation: ten commits of a slow disk. One that hangs must not keep the process from its end."""


async def shielded(wait: Callable[[], Awaitable[Any]]) -> bool:
    """Await `wait()`, which can be called again; True once it has returned.

    Where the caller is cancelled it goes on for GRACE_S, and returns whether it ended; what comes next in the caller is
    then cancelled.
    """
    with trio.CancelScope() as scope:
        try:
            await wait()
        except trio.Cancelled:
            scope.shield = True
            scope.deadline = trio.current_time() + GRACE_S
            await wait()
    return not scope.cancelled_caught


class ThreadTask:
    """Work in a thread, which nothing can end but itself. It begins at once."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._ended = trio.Event()
        self._outcome: outcome.Outcome[Any] | None = None
        token = trio.lowlevel.current_trio_token()

        def deliver(result: outcome.Outcome[Any]) -> None:
            def settle() -> None:
                self._outcome = result
                self._ended.set()

            with suppress(trio.RunFinishedError):  # it was left behind
                token.run_sync_soon(settle)

        trio.lowlevel.start_thread_soon(work, deliver)

    async def ended(self) -> None:
        await self._ended.wait()

    def result(self) -> Any:
        """After `ended`. Raises what the work raised."""
        assert self._outcome is not None
        return self._outcome.unwrap()
