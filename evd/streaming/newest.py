"""The newest status of each vehicle, for streams of all vehicles that have each vehicle once a second.

Whoever looks at a fleet needs no status that a newer one has replaced a moment later. So nothing is queued for such a
stream, and what changed in a second is written once, however many streams there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

VEHICLES_MAX = 10_000
"""Whose newest status is kept: some 5 MB. A stream that reads behind more changes than that misses the oldest."""


class OfVehicle(Protocol):
    vehicle: str


T = TypeVar("T", bound=OfVehicle)


class NewestStatuses(Generic[T]):
    """`changes` counts the statuses that came; a reader remembers the count up to which it has read."""

    def __init__(self) -> None:
        self.changes = 0
        self._newest: dict[str, tuple[int, T]] = {}
        """By vehicle, the one that changed last at the end."""
        self._written: tuple[int, int, bytes] = 0, 0, b""

    def put(self, news: T) -> None:
        self.changes += 1
        self._newest.pop(news.vehicle, None)
        self._newest[news.vehicle] = self.changes, news
        if len(self._newest) > VEHICLES_MAX:
            del self._newest[next(iter(self._newest))]

    def clear(self) -> None:
        """Nobody reads any more."""
        self._newest.clear()
        self._written = 0, 0, b""

    def since(self, count: int) -> list[T]:
        """The newest status of each vehicle that changed behind this count, in the order in which they came."""
        found = []
        for number, news in reversed(self._newest.values()):
            if number <= count:
                break
            found.append(news)
        found.reverse()
        return found

    def written(self, count: int, write: Callable[[Iterable[T]], bytes]) -> bytes:
        """`write` of what changed behind this count; done once for all readers that have read as far."""
        first, last, text = self._written
        if (first, last) != (count, self.changes):
            text = write(self.since(count))
            self._written = count, self.changes, text
        return text
