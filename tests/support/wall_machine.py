"""A machine whose clocks a test sets, for the parts that go by them."""

from __future__ import annotations

from builders import NOW

from evd.daemon.server_clock import ServerClock
from evd.model.units import MINUTE_MS


class Machine:
    """A machine's two clocks; they go on together, and the wall clock can be set."""

    def __init__(self, wall: int = NOW) -> None:
        self.time = wall
        self.since_start = 7 * MINUTE_MS

    def passes(self, ms: int) -> None:
        self.time += ms
        self.since_start += ms

    def clock(self, alive: int | None = None, *, trusted: bool = False) -> ServerClock:
        return ServerClock(alive, trusted=trusted, wall=lambda: self.time, steady=lambda: self.since_start)
