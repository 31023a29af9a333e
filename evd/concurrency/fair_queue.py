"""A fair queue for permits, such as reading connections: each requester has a bounded number of them at once.

The next permit goes to the requester that has been served least recently, so a requester that wants much waits behind
itself.
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
    """A requester that waits; it has `permit` once `called` is set."""

    __slots__ = ("called", "permit")

    def __init__(self) -> None:
        self.called = trio.Event()
        self.permit: P | None = None


class FairQueue(Generic[P]):
    """`each`: permits of one requester at once.

    A requester is refused when `waiting_max` wait, or when a quarter of these are its own.
    """

    def __init__(self, permits: Iterable[P], *, each: int, waiting_max: int) -> None:
        self._free = list(permits)
        self._each = each
        self._waiting_max = waiting_max
        self._taken: Counter[str] = Counter()
        self._queues: dict[str, deque[_Waiting[P]]] = {}
        """In the order in which the requesters come next; no queue is empty."""
        self.waiting = 0

    @asynccontextmanager
    async def permit(self, requester: str) -> AsyncIterator[P]:
        """A permit for the block. Raises Unavailable if too many wait."""
        permit = await self.take(requester)
        try:
            yield permit
        finally:
            self.give_back(requester, permit)

    async def take(self, requester: str) -> P:
        """A permit that must be given back, unless this is cancelled. Raises Unavailable if too many wait."""
        if self._free and self._taken[requester] < self._each and requester not in self._queues:
            self._taken[requester] += 1
            return self._free.pop()
        own = len(self._queues.get(requester, ()))
        if self.waiting >= self._waiting_max or own >= max(1, self._waiting_max // 4):
            raise Unavailable("too many reads wait: send the request again later", retry_after_s=5)
        waiting: _Waiting[P] = _Waiting()
        self._queues.setdefault(requester, deque()).append(waiting)
        self.waiting += 1
        try:
            await waiting.called.wait()
        except BaseException:
            if waiting.permit is None:
                self._leave(requester, waiting)
            else:
                self.give_back(requester, waiting.permit)
            raise
        assert waiting.permit is not None
        return waiting.permit

    def give_back(self, requester: str, permit: P) -> None:
        self._free.append(permit)
        self._taken[requester] -= 1
        if not self._taken[requester]:
            del self._taken[requester]
        self._call()

    def _leave(self, requester: str, waiting: _Waiting[P]) -> None:
        queue = self._queues[requester]
        queue.remove(waiting)
        self.waiting -= 1
        if not queue:
            del self._queues[requester]

    def _call(self) -> None:
        """Give the free permits to the requesters that come next."""
        while self._free:
            requester = next((one for one in self._queues if self._taken[one] < self._each), None)
            if requester is None:
                return
            queue = self._queues.pop(requester)
            waiting = queue.popleft()
            if queue:
                self._queues[requester] = queue  # behind all other requesters
            self.waiting -= 1
            self._taken[requester] += 1
            waiting.permit = self._free.pop()
            waiting.called.set()
