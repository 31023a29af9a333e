"""The promise of one operation's result: who submits an operation gets it, and is answered after the commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from evd.model.operations import Operation

_OPEN = object()
"""No result yet."""


class Receipt:
    """The promise of one operation's result: have it told to `then`, or await it."""

    __slots__ = ("_result", "_take", "deadline", "operation", "size_bytes")

    def __init__(self, operation: Operation, size_bytes: int, deadline: float) -> None:
        self.operation = operation
        self.size_bytes = size_bytes
        self.deadline = deadline
        self._result: Any = _OPEN
        self._take: Callable[[Any], None] | None = None

    def then(self, take: Callable[[Any], None]) -> None:
        """Have `take` called once with the result when it is on disk, or with the Exception that came instead.

        Unavailable says that the operation may or may not have been written. `take` must not raise.
        """
        if self._result is _OPEN:
            self._take = take
        else:
            take(self._result)

    async def wait(self) -> Any:
        """The operation's result, when it is on disk; to be awaited once.

        Cancelling the wait is safe: the operation is written all the same. Raises Unavailable (it may or may not have
        been written), or the operation's own EvdError.
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
        """Give the result, or an Exception; nothing happens where the receipt was settled before."""
        if self._result is not _OPEN:
            return
        self._result = result
        if self._take is not None:
            self._take(result)
