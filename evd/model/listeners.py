"""Which vehicles may have listeners, in memory of a fixed size: a filter before any read of the database."""

from __future__ import annotations

from collections.abc import Iterable

from evd.model.operations import Arrive

LISTENERS = 1 << 19
"""Slots of one byte. With 50,000 vehicles that have listeners, one in ten others is looked up in vain."""


class Listeners:
    """Whether anybody may listen to a vehicle: no is certain, yes is not, and costs a look."""

    def __init__(self) -> None:
        self._slots = bytearray(LISTENERS)

    def add(self, vehicle: str) -> None:
        self._slots[hash(vehicle) % LISTENERS] = 1

    def of(self, statuses: Iterable[Arrive]) -> list[Arrive]:
        """Those of vehicles that may have listeners; one call for all statuses of a commit."""
        slots = self._slots
        return [status for status in statuses if slots[hash(status.vehicle) % LISTENERS]]

    def __contains__(self, vehicle: str) -> bool:
        return self._slots[hash(vehicle) % LISTENERS] == 1
