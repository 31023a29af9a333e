"""To wait through a cancellation, for a bounded time, for work that must not be abandoned: a commit, a thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import outcome
import trio

GRACE_S = 2.0
"""How long to wait after a cancellation: ten commits of a slow disk. A hung disk must not keep evd from ending."""


async def shielded(wait: Callable[[], Awaitable[Any]]) -> bool:
    """Await `wait()`, which can be called again; True once it has returned.

    If the caller is cancelled, go on for GRACE_S, and return whether `wait()` returned; the caller is cancelled at its
    next checkpoint.
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
    """Work in a thread, which cannot be cancelled. It begins at once."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._ended = trio.Event()
        self._outcome: outcome.Outcome[Any] | None = None
        token = trio.lowlevel.current_trio_token()

        def deliver(result: outcome.Outcome[Any]) -> None:
            def settle() -> None:
                self._outcome = result
                self._ended.set()

            with suppress(trio.RunFinishedError):  # the loop ended before the thread did
                token.run_sync_soon(settle)

        trio.lowlevel.start_thread_soon(work, deliver)

    async def ended(self) -> None:
        await self._ended.wait()

    def result(self) -> Any:
        """After `ended`. Raises what the work raised."""
        assert self._outcome is not None
        return self._outcome.unwrap()
