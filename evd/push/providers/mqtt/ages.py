"""Which vehicles are available: those whose last status is young enough. Pure."""

from __future__ import annotations

from heapq import heappop, heappush


class Ages:
    """What was said of each vehicle since the connection began; times are epoch ms. Some 200 bytes a vehicle."""

    def __init__(self, limit_ms: int) -> None:
        self._limit_ms = limit_ms
        self._available: dict[str, bool] = {}
        self._times: dict[str, int] = {}
        self._ends: list[tuple[int, str]] = []
        """When a vehicle ceases to be available, unless it was heard since; a heap with one entry a vehicle."""

    def clear(self) -> None:
        self._available.clear()
        self._times.clear()
        self._ends.clear()

    def forget(self, vehicle: str) -> None:
        self._available.pop(vehicle, None)
        self._times.pop(vehicle, None)

    def time_of(self, vehicle: str) -> int | None:
        """The time of its last status; None: nothing was said of it."""
        return self._times.get(vehicle)

    def heard(self, vehicle: str, time: int, now: int) -> bool | None:
        """A status of this time was sent: the availability to say, or None if that was said already."""
        known = self._times.get(vehicle)
        self._times[vehicle] = max(time, known or 0)
        available = self._times[vehicle] + self._limit_ms > now
        if available and not self._available.get(vehicle, False):
            heappush(self._ends, (self._times[vehicle] + self._limit_ms, vehicle))
        if self._available.get(vehicle) is available:
            return None
        self._available[vehicle] = available
        return available

    def ended(self, now: int) -> list[str]:
        """Vehicles that ceased to be available."""
        found: list[str] = []
        while self._ends and self._ends[0][0] <= now:
            _, vehicle = heappop(self._ends)
            if vehicle not in self._times or not self._available.get(vehicle, False):
                continue
            end = self._times[vehicle] + self._limit_ms
            if end > now:
                heappush(self._ends, (end, vehicle))
            else:
                self._available[vehicle] = False
                found.append(vehicle)
        return found
