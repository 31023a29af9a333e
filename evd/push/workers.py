"""Worker tasks, which send one push at a time each."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

import trio

from evd.push.delivery import Delivery


class Workers:
    """At most `most` tasks; one is started only if no other is free. `send` must not raise."""

    def __init__(self, send: Callable[[Delivery], Awaitable[None]], *, most: int) -> None:
        self._send = send
        self._most = most
        self._started = 0
        self._queue: deque[Delivery] = deque()
        """Deliveries that were handed over but not begun; bounded by the caller, because each is in flight."""
        self._free = trio.lowlevel.ParkingLot()

    def put(self, delivery: Delivery, nursery: trio.Nursery) -> None:
        """Send a delivery; if a new task is needed, it runs in the nursery."""
        self._queue.append(delivery)
        if self._free:
            self._free.unpark()
        elif self._started < self._most:
            self._started += 1
            nursery.start_soon(self._work)

    def take_back(self) -> list[Delivery]:
        """Remove and return the deliveries that were not begun."""
        taken = list(self._queue)
        self._queue.clear()
        return taken

    async def _work(self) -> None:
        while True:
            while not self._queue:
                await self._free.park()
            await self._send(self._queue.popleft())
