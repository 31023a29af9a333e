"""Count the pushes in flight: begun, with no outcome on disk yet. A crash sends at most these again."""

from __future__ import annotations

import trio


class InFlight:
    """A count with the bound `most`, and the wait for its end, `drain`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.count = 0
        self.draining = False
        """Whether no more pushes may begin."""
        self._none = trio.Event()

    @property
    def room(self) -> int:
        """How many more pushes may begin."""
        return 0 if self.draining else self.most - self.count

    def begin(self) -> None:
        self.count += 1

    def end(self, pushes: int = 1) -> None:
        self.count -= pushes
        if not self.count:
            self._none.set()

    async def drain(self) -> None:
        """Let no more pushes begin, and wait until none is in flight; the caller sets the deadline."""
        self.draining = True
        while self.count:
            self._none = trio.Event()
            await self._none.wait()
