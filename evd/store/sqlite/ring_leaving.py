"""Empty the rings of vehicles that are gone, in bounded steps: delete their rows, or have them arrive elsewhere."""

from __future__ import annotations

from typing import Any

from evd.model.operations import Arrive, LimitReached, UnknownVehicle
from evd.store.sqlite.annotations import NO_SEQ
from evd.store.sqlite.ring_state import OVERFLOW_MAX, SLOTS_PER_VEHICLE

DELETE_MAX = 1_000
"""Rows deleted in one step: some milliseconds."""

MOVE_MAX = 64
"""Statuses that arrive elsewhere in one step: about 20 ms beside the loop."""

#: A number is not given again before the ring that had it is empty.
CREATE = """
INSERT INTO vehicles (number, vehicle, slots, created) VALUES (
    1 + max(ifnull((SELECT max(number) FROM vehicles), 0), ifnull((SELECT max(number) FROM left_rings), 0)), ?, ?, ?)"""
_MERGED = "SELECT stands_for FROM aliases WHERE vehicle = ?"
_LEFT = "SELECT number, goes_to FROM left_rings ORDER BY number LIMIT 1"
_ROWS = "SELECT place FROM statuses WHERE place BETWEEN ? AND ? ORDER BY place LIMIT ?"
_ROW = """
SELECT timely, time, seq, id, received, connectivity, payload, CAST(fields AS BLOB), CAST(document AS BLOB), flags,
    radio
FROM statuses WHERE place = ?"""
_DELETE = "DELETE FROM statuses WHERE place = ?"
#: A redelivery may have come there first, without what the network said.
_SET_RADIO = """
UPDATE statuses SET radio = ?, fields = CAST(? AS TEXT) WHERE place = ? AND id = ? AND radio IS NULL"""


def leave(connection: Any, vehicle: str, goes_to: str | None) -> int | None:
    """Delete the vehicle's row; its ring remains to be emptied. Returns its number; None if it was not known."""
    gone = connection.execute("DELETE FROM vehicles WHERE vehicle = ? RETURNING number", (vehicle,)).fetchall()
    for (number,) in gone:
        connection.execute("INSERT INTO left_rings VALUES (?, ?)", (number, goes_to))
        return int(number)
    return None


def merged_into(connection: Any, vehicle: str) -> str | None:
    """The vehicle that this one was merged into."""
    row = connection.execute(_MERGED, (vehicle,)).fetchone()
    return None if row is None else str(row[0])


def empty_step(connection: Any, rings: Any) -> bool:
    """Empty a ring a little; False if none is left. `rings` is an `evd.store.sqlite.rings.Rings`.

    A status that its new vehicle does not take is deleted. Raises RingDamaged.
    """
    left = connection.execute(_LEFT).fetchone()
    if left is None:
        return False
    number, goes_to = left
    places = _some(connection, number, DELETE_MAX if goes_to is None else MOVE_MAX)
    if not places:
        connection.execute("DELETE FROM overflow WHERE vehicle = ?", (number,))
        connection.execute("DELETE FROM left_rings WHERE number = ?", (number,))
    elif goes_to is None:
        connection.executemany(_DELETE, [(place,) for place in places])
    else:
        for place in places:
            _move(connection, rings, goes_to, place)
        rings.flush()
    return True


def _some(connection: Any, number: int, limit: int) -> list[int]:
    base = number * SLOTS_PER_VEHICLE
    found: list[int] = []
    for first, last in ((base, base + SLOTS_PER_VEHICLE - 1), (-base - OVERFLOW_MAX, -base - 1)):
        found += [place for (place,) in connection.execute(_ROWS, (first, last, limit - len(found))).fetchall()]
    return found


def _move(connection: Any, rings: Any, vehicle: str, place: int) -> None:
    timely, time, seq, status_id, received, connectivity, payload, fields, document, flags, radio = connection.execute(
        _ROW, (place,)
    ).fetchone()
    connection.execute(_DELETE, (place,))
    arrival = Arrive(
        status_id=status_id,
        vehicle=vehicle,
        spelling=vehicle,
        time=time,
        seq=None if seq == NO_SEQ else seq,
        timely=bool(timely),
        connectivity=connectivity,
        payload=payload,
        fields=bytes(fields),
        document=bytes(document),
        received=received,
        flags=flags,
    )
    try:
        rings.arrive(arrival)
    except (UnknownVehicle, LimitReached):
        return
    if radio is not None:
        for found in rings.places(vehicle, time, arrival.seq):
            with rings.changing(vehicle, found):
                connection.execute(_SET_RADIO, (radio, fields, found, status_id))
