"""The receipt of one operation: the caller that submits it gets its result through this after the commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from evd.model.operations import Operation

_OPEN = object()
"""Marks a receipt without a result."""


class Receipt:
    """The receipt of one operation: pass a callback to `then`, or await `wait`."""

    __slots__ = ("_result", "_take", "deadline", "operation", "size_bytes")

    def __init__(self, operation: Operation, size_bytes: int, deadline: float) -> None:
        self.operation = operation
        self.size_bytes = size_bytes
        self.deadline = deadline
        self._result: Any = _OPEN
        self._take: Callable[[Any], None] | None = None

    def then(self, take: Callable[[Any], None]) -> None:
        """Call `take` once with the result when it is on disk, or with the Exception that replaced it.

        Unavailable means that the operation may or may not have been written. `take` must not raise.
        """
        if self._result is _OPEN:
            self._take = take
        else:
            take(self._result)

    async def wait(self) -> Any:
        """Return the operation's result when it is on disk; may be awaited once.

        Cancelling the wait is safe: the operation is written anyway. Raises Unavailable (it may or may not have been
        written) or the operation's own EvdError.
        """
        if self._result is _OPEN:
            task = trio.lowlevel.current_task()
            self._take = lambda result: trio.lowlevel.reschedule(task)

            def abort(_: Any) -> trio.lowlevel.Abort:
                self._take = None
                return trio.lowlevel.Abort.SUCCEEDED

            await trio.lowlevel.wait_task_rescheduled(abort)
        if isinstance(self._result, Exception):
            raise self._result
        return self._result

    @property
    def done(self) -> bool:
        return self._result is not _OPEN

    def settle(self, result: Any) -> None:
        """Set the result, or an Exception; a receipt that has a result keeps it."""
        if self._result is not _OPEN:
            return
        self._result = result
        if self._take is not None:
            self._take(result)
