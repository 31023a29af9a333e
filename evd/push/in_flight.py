"""How many pushes are in flight: begun, and their outcomes not on disk. A crash sends no more than these again."""

from __future__ import annotations

import trio


class InFlight:
    """A count with a bound, `most`; what `drain` waits for."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.count = 0
        self.draining = False
        """Nothing more is begun."""
        self._none = trio.Event()

    @property
    def room(self) -> int:
        """How many more may begin."""
        return 0 if self.draining else self.most - self.count

    def begin(self) -> None:
        self.count += 1

    def end(self, pushes: int = 1) -> None:
        self.count -= pushes
        if not self.count:
            self._none.set()

    async def drain(self) -> None:
        """Begin nothing more, and wait until none is left; the caller has the deadline."""
        self.draining = True
        while self.count:
            self._none = trio.Event()
            await self._none.wait()
