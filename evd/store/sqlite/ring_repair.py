"""Repair a ring whose rows do not fit its shape, from the rows that exist.

evd itself leaves no such ring; another program that deletes or moves rows of `statuses` does.
"""

from __future__ import annotations

from typing import Any

from evd.store.sqlite.ring_layout import FAR
from evd.store.sqlite.ring_state import OVERFLOW_MAX, SLOTS_PER_VEHICLE

_ROWS = "SELECT count(*) FROM statuses WHERE place BETWEEN ? AND ?"
_WITHOUT_ROW = """
DELETE FROM overflow WHERE vehicle = ?1 AND NOT EXISTS (
    SELECT 1 FROM statuses AS s
    WHERE s.place = overflow.place AND (s.timely, s.time, s.seq) = (overflow.timely, overflow.time, overflow.seq))"""
_NOT_SORTED = """
INSERT INTO overflow (vehicle, timely, time, seq, place)
SELECT ?1, timely, time, seq, place FROM statuses AS s
WHERE place BETWEEN ?2 AND ?3 AND NOT EXISTS (SELECT 1 FROM overflow AS o WHERE o.vehicle = ?1 AND o.place = s.place)"""
_FUTURE = "DELETE FROM statuses WHERE place BETWEEN ? AND ? AND timely = 0"
_TOO_MANY = """
DELETE FROM statuses WHERE place IN (
    SELECT place FROM statuses WHERE place BETWEEN ?1 AND ?2
    ORDER BY time DESC, seq DESC, place DESC LIMIT -1 OFFSET ?3)"""
_SORTED = "SELECT place FROM statuses WHERE place BETWEEN ? AND ? ORDER BY time, seq, place"
_OUT = "UPDATE statuses SET place = ? WHERE place = ?"
_BACK = f"UPDATE statuses SET place = place + {FAR} WHERE place BETWEEN ? AND ?"  # noqa: S608 (a constant)
_SHAPE = """
UPDATE vehicles SET slots = ?2, kept = ?3, newest = ?3 - 1,
    overflow = (SELECT count(*) FROM overflow WHERE vehicle = ?1) WHERE number = ?1"""


def rows_of(connection: Any, number: int) -> int:
    """How many rows the vehicle has in circle and overflow."""
    base = number * SLOTS_PER_VEHICLE
    circle, beside = ((base, base + SLOTS_PER_VEHICLE - 1), (-base - OVERFLOW_MAX, -base - 1))
    return sum(int(connection.execute(_ROWS, places).fetchone()[0]) for places in (circle, beside))


def repair(connection: Any, number: int, keep: int) -> int:
    """Lay out the vehicle's circle again, from its rows in order, in `keep` slots; returns how many statuses it has.

    A status in the circle that was ahead of the clock is deleted: evd puts none there, and none can be a last status.
    """
    base = number * SLOTS_PER_VEHICLE
    circle, beside = (base, base + SLOTS_PER_VEHICLE - 1), (-base - OVERFLOW_MAX, -base - 1)
    connection.execute(_WITHOUT_ROW, (number,))
    connection.execute(_NOT_SORTED, (number, *beside))
    connection.execute(_FUTURE, circle)
    connection.execute(_TOO_MANY, (*circle, keep))
    places = [place for (place,) in connection.execute(_SORTED, circle).fetchall()]
    connection.executemany(_OUT, [(-FAR + base + slot, place) for slot, place in enumerate(places)])
    connection.execute(_BACK, (-FAR + base, -FAR + base + len(places)))
    connection.execute(_SHAPE, (number, keep, len(places)))
    return len(places)
