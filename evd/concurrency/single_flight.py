"""Single flight: equal reads at the same time are done once, and share the result.

A result is shared only if it cannot be older than the request: the read has not begun, or nothing was committed since
it began. So a client that got 201 for a status finds it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

import trio

T = TypeVar("T")


class _SharedCall:
    __slots__ = ("begun", "completed", "has_result", "requester", "result")

    def __init__(self, requester: str) -> None:
        self.requester = requester
        self.begun: object = None
        """The oldest version that it can read; None while it waits for its turn."""
        self.completed = trio.Event()
        self.has_result = False
        self.result: Any = None


class SingleFlight:
    """`version()` changes with each commit that was reported; reads are equal if their keys are."""

    def __init__(self, version: Callable[[], object]) -> None:
        self._version = version
        self._open: dict[Hashable, _SharedCall] = {}

    async def shared(self, key: Hashable, requester: str, read: Callable[[Callable[[], None]], Awaitable[T]]) -> T:
        """The result of `read`, or of an equal read; `read` calls its argument when its turn has come.

        A shared result must not be changed. If the first read fails or is cancelled, the next requester reads.
        """
        while (flight := self._open.get(key)) is not None and self._may_join(flight, requester):
            await flight.completed.wait()
            if flight.has_result:
                result: T = flight.result
                return result
        flight = self._open[key] = _SharedCall(requester)

        def begin() -> None:
            flight.begun = self._version()

        try:
            flight.result = result = await read(begin)
            flight.has_result = True
            return result
        finally:
            if self._open.get(key) is flight:
                del self._open[key]
            flight.completed.set()

    def _may_join(self, flight: _SharedCall, requester: str) -> bool:
        """A requester does not wait for another one's turn, which may be far off."""
        return flight.requester == requester if flight.begun is None else flight.begun == self._version()
