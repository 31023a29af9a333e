"""Statuses that were ahead of the server's clock, after that clock was found to have been wrong."""

from __future__ import annotations

from typing import Any

from evd.model.operations import Arrive
from evd.model.retention import Rank
from evd.model.status import AHEAD
from evd.store.sqlite.annotations import NO_SEQ
from evd.store.sqlite.ring_layout import RingDamaged
from evd.store.sqlite.ring_overflow import Overflow
from evd.store.sqlite.ring_state import RingState

_NEXT = """
SELECT number, v.vehicle FROM overflow AS o JOIN vehicles AS v ON v.number = o.vehicle
WHERE o.vehicle >= ? AND timely = 0 AND time <= ? ORDER BY o.vehicle LIMIT 1"""
_OF_VEHICLE = """
SELECT time, seq, place FROM overflow WHERE vehicle = ? AND timely = 0 AND time <= ? ORDER BY time, seq, place DESC
LIMIT ?"""
_ROW = """
SELECT id, received, connectivity, payload, CAST(fields AS BLOB), CAST(document AS BLOB), flags, radio
FROM statuses WHERE place = ?"""
_DELETE = "DELETE FROM statuses WHERE place = ?"


def next_ahead(connection: Any, first: int, until: int, limit: int) -> tuple[int, str, list[tuple[int, int, int]]]:
    """The next vehicle, from number `first` on, with such statuses up to time `until` (epoch ms).

    Returns its number, its name, and (time, seq, place) of at most `limit` statuses in the order in which they are
    admitted; the list is empty if no vehicle has any.
    """
    row = connection.execute(_NEXT, (first, until)).fetchone()
    if row is None:
        return first, "", []
    number, vehicle = row
    return number, vehicle, connection.execute(_OF_VEHICLE, (number, until, limit)).fetchall()


def take_out(
    connection: Any, overflow: Overflow, head: RingState, vehicle: str, rank: Rank, place: int
) -> tuple[Arrive, str | None]:
    """Take a status out of its ring; returns it as it would arrive now, without the flag, and its `radio` column."""
    row = connection.execute(_ROW, (place,)).fetchone()
    if row is None:
        raise RingDamaged(head.number)
    status_id, received, connectivity, payload, fields, document, flags, radio = row
    overflow.remove(head, rank._replace(timely=False), place)
    connection.execute(_DELETE, (place,))
    arrival = Arrive(
        status_id=status_id,
        vehicle=vehicle,
        spelling=vehicle,
        time=rank.time,
        seq=None if rank.seq == NO_SEQ else rank.seq,
        timely=True,
        connectivity=connectivity,
        payload=payload,
        fields=bytes(fields),
        document=bytes(document),
        received=received,
        flags=" ".join(flag for flag in flags.split() if flag != AHEAD),
    )
    return arrival, radio
