"""A clock that the test turns."""

from __future__ import annotations

from builders import NOW


class TurnedClock:
    """`now` is what it shows, in ms."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now
