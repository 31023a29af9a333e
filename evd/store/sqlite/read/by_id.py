"""Find the vehicle of a status id by a search through all rings: an index would cost each callback two more pages.

A million statuses take about half a second. A few rings are read at a time, so that no reader blocks the WAL's reuse.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

from evd.store.sqlite.connection import open_reader, translated
from evd.store.sqlite.ring_state import SLOTS_PER_VEHICLE
from evd.store.sqlite.sqlite_library import sqlite3

RINGS = 64
"""Rings read in one transaction: about 50 ms if they are full."""

STEPS = 100_000
"""Steps of SQLite's virtual machine between two looks at the clock: some milliseconds."""

_IN_CIRCLES = "SELECT place FROM statuses WHERE place BETWEEN ?1 AND ?2 AND id = ?3 LIMIT 1"
_LAST_RING = "SELECT coalesce(max(number), 0) FROM vehicles"
_VEHICLE = "SELECT vehicle FROM vehicles WHERE number = ?"


class FoundStatus(NamedTuple):
    vehicle: str | None
    complete: bool
    """Whether all rings were searched."""


def vehicle_of(path: Path, status_id: str, timeout_s: float) -> FoundStatus:
    """Search circles and overflow, in a thread. Raises StoreError."""
    end = time.monotonic() + timeout_s
    with translated(path):
        connection = open_reader(path)
        try:
            connection.set_progress_handler(lambda: time.monotonic() > end, STEPS)
            return FoundStatus(_look(connection, status_id), True)
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                return FoundStatus(None, False)
            raise
        finally:
            connection.close()


def _look(connection: Any, status_id: str) -> str | None:
    (last,) = connection.execute(_LAST_RING).fetchone()
    for first in range(0, last + 1, RINGS):
        low, high = first * SLOTS_PER_VEHICLE, (first + RINGS) * SLOTS_PER_VEHICLE - 1
        for bounds in ((low, high), (-high - 1, -low - 1)):
            for (place,) in connection.execute(_IN_CIRCLES, (*bounds, status_id)).fetchall():
                number = (place if place >= 0 else -place - 1) // SLOTS_PER_VEHICLE
                (vehicle,) = connection.execute(_VEHICLE, (number,)).fetchone()
                return str(vehicle)
    return None
