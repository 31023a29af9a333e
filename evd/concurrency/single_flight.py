"""What is asked for twice at once is asked once: the second one shares the first one's answer.

An answer is only shared where it cannot be older than the question: the flight has not begun, or nothing was committed
since it did. So whoever was told that a status is on disk finds it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

import trio

T = TypeVar("T")


class _SharedCall:
    __slots__ = ("answer", "answered", "asker", "begun", "completed")

    def __init__(self, asker: str) -> None:
        self.asker = asker
        self.begun: object = None
        """The version that it reads at least; None while it waits for its turn."""
        self.completed = trio.Event()
        self.answered = False
        self.answer: Any = None


class SingleFlight:
    """`version` is another one after each commit that was told of; questions are equal where their keys are."""

    def __init__(self, version: Callable[[], object]) -> None:
        self._version = version
        self._open: dict[Hashable, _SharedCall] = {}

    async def shared(self, key: Hashable, asker: str, ask: Callable[[Callable[[], None]], Awaitable[T]]) -> T:
        """The answer of `ask`, or of an equal question's; `ask` gets what it calls when its turn has come.

        An answer that is shared must not be changed. Where the first one fails or goes away, the next one asks.
        """
        while (flight := self._open.get(key)) is not None and self._may_join(flight, asker):
            await flight.completed.wait()
            if flight.answered:
                answer: T = flight.answer
                return answer
        flight = self._open[key] = _SharedCall(asker)

        def begin() -> None:
            flight.begun = self._version()

        try:
            flight.answer = answer = await ask(begin)
            flight.answered = True
            return answer
        finally:
            if self._open.get(key) is flight:
                del self._open[key]
            flight.completed.set()

    def _may_join(self, flight: _SharedCall, asker: str) -> bool:
        """Nobody waits for the turn of somebody else, who may have asked for much."""
        return flight.asker == asker if flight.begun is None else flight.begun == self._version()
