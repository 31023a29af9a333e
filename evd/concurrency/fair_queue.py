"""Places that many want: given in turn, to each asker no more than his share, and fairly between askers.

Who wants much waits behind himself: of those that wait, the asker comes next who has had no turn for the longest time.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import trio

from evd.errors import Unavailable

P = TypeVar("P")


class _Waiting(Generic[P]):
    """One who waits; `place` is his once `called` is set."""

    __slots__ = ("called", "place")

    def __init__(self) -> None:
        self.called = trio.Event()
        self.place: P | None = None


class FairQueue(Generic[P]):
    """`each`: places of one asker at once.

    Who comes when `waiting_max` wait, or a quarter of them are his own, is sent away.
    """

    def __init__(self, places: Iterable[P], *, each: int, waiting_max: int) -> None:
        self._free = list(places)
        self._each = each
        self._waiting_max = waiting_max
        self._taken: Counter[str] = Counter()
        self._queues: dict[str, deque[_Waiting[P]]] = {}
        """In the order in which askers come next; none is empty."""
        self.waiting = 0

    @asynccontextmanager
    async def place(self, asker: str) -> AsyncIterator[P]:
        """A place for the block. Raises Unavailable where too many wait."""
        place = await self.take(asker)
        try:
            yield place
        finally:
            self.give_back(asker, place)

    async def take(self, asker: str) -> P:
        """A place that must be given back; who is cancelled has none. Raises Unavailable where too many wait."""
        if self._free and self._taken[asker] < self._each and asker not in self._queues:
            self._taken[asker] += 1
            return self._free.pop()
        his = len(self._queues.get(asker, ()))
        if self.waiting >= self._waiting_max or his >= max(1, self._waiting_max // 4):
            raise Unavailable("too many questions wait: ask again later", retry_after_s=5)
        waiting: _Waiting[P] = _Waiting()
        self._queues.setdefault(asker, deque()).append(waiting)
        self.waiting += 1
        try:
            await waiting.called.wait()
        except BaseException:
            if waiting.place is None:
                self._leave(asker, waiting)
            else:
                self.give_back(asker, waiting.place)
            raise
        assert waiting.place is not None
        return waiting.place

    def give_back(self, asker: str, place: P) -> None:
        self._free.append(place)
        self._taken[asker] -= 1
        if not self._taken[asker]:
            del self._taken[asker]
        self._call()

    def _leave(self, asker: str, waiting: _Waiting[P]) -> None:
        queue = self._queues[asker]
        queue.remove(waiting)
        self.waiting -= 1
        if not queue:
            del self._queues[asker]

    def _call(self) -> None:
        """Give what is free to those who come next."""
        while self._free:
            asker = next((one for one in self._queues if self._taken[one] < self._each), None)
            if asker is None:
                return
            queue = self._queues.pop(asker)
            waiting = queue.popleft()
            if queue:
                self._queues[asker] = queue  # behind all others
            self.waiting -= 1
            self._taken[asker] += 1
            waiting.place = self._free.pop()
            waiting.called.set()
