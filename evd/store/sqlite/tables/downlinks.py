"""The queue of downlinks: those that wait until their devices ask, and the outcomes of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.model.operations import CancelDownlink, CloseDownlink, LimitReached, OfferDownlink, Operation, QueueDownlink
from evd.sigfox.downlinks import ACK_DISTANCE_MS, OFFERED, info_code
from evd.store.sqlite.tables.base import SmallTables


def _queue(tables: SmallTables, op: QueueDownlink) -> int:
    db, limits = tables.db, tables.limits
    (waiting,) = db.execute(
        "SELECT count(*) FROM downlinks WHERE vehicle = ? AND state = 'queued' AND expires >= ?",
        (op.vehicle, op.created),
    ).fetchone()
    if waiting >= limits.downlinks_per_vehicle:
        raise LimitReached(
            f"{waiting} downlinks wait for vehicle {op.vehicle}: cancel one, or raise sigfox.downlinks_per_vehicle"
        )
    # Read before the newest row may be deleted, so that no number is used twice.
    (number,) = db.execute("SELECT ifnull(max(number), 0) + 1 FROM downlinks").fetchone()
    surplus = tables.downlinks + 1 - limits.downlinks
    if surplus > 0:
        oldest = db.execute(_OLDEST, (op.created, surplus)).fetchall()
        if len(oldest) < surplus:
            raise LimitReached(f"{tables.downlinks} downlinks are open: cancel some, or raise sigfox.downlinks_max")
        db.executemany("DELETE FROM downlinks WHERE number = ?", oldest)
        tables.downlinks -= surplus
    db.execute(_NOTE_EXPIRED, (op.vehicle, op.created))
    db.execute(
        "INSERT INTO downlinks (number, vehicle, payload, state, created, expires) VALUES (?, ?, ?, 'queued', ?, ?)",
        (number, op.vehicle, op.payload, op.created, op.expires),
    )
    tables.downlinks += 1
    return int(number)


#: Marks expired downlinks, so that no more than the limit are ever queued and a vehicle's are searched quickly.
_NOTE_EXPIRED = """
UPDATE downlinks SET state = 'expired', closed = expires WHERE vehicle = ? AND state = 'queued' AND expires < ?"""

#: Downlinks in a final state.
_OLDEST = """
SELECT number FROM downlinks WHERE state NOT IN ('queued', 'offered') OR expires < ? ORDER BY number LIMIT ?"""


def _cancel(tables: SmallTables, op: CancelDownlink) -> bool:
    cursor = tables.db.execute(
        "UPDATE downlinks SET state = 'cancelled', closed = ? WHERE number = ? AND state = 'queued' AND expires >= ?",
        (op.at, op.number, op.at),
    )
    return bool(cursor.rowcount)


def _offer(tables: SmallTables, op: OfferDownlink) -> bytes | None:
    """If no downlink waits, this is two look-ups in indexes, some microseconds, so no copy in memory is needed."""
    db = tables.db
    again = db.execute(
        "SELECT payload FROM downlinks WHERE vehicle = ? AND asked_by = ? LIMIT 1", (op.vehicle, op.asked_by)
    ).fetchone()
    if again is not None:
        return bytes(again[0])
    first = db.execute(_FIRST_QUEUED, (op.vehicle, op.at)).fetchone()
    if first is None:
        return None
    if tables.rings.refuses(op.vehicle):
        return None  # its message was refused, so no answer can carry the downlink
    number, payload = first
    db.execute(
        "UPDATE downlinks SET state = 'offered', offered = ?, asked_by = ?, asked_time = ? WHERE number = ?",
        (op.at, op.asked_by, op.asked_time, number),
    )
    return bytes(payload)


#: In the order of the index: none of these was offered.
_FIRST_QUEUED = """
SELECT number, payload FROM downlinks WHERE vehicle = ? AND state = 'queued' AND asked_time IS NULL AND expires >= ?
ORDER BY number LIMIT 1"""


def _close(tables: SmallTables, op: CloseDownlink) -> int | None:
    db, fate = tables.db, info_code(op.info_code)
    closed = db.execute(
        "SELECT number FROM downlinks WHERE vehicle = ? AND ack_time = ? LIMIT 1", (op.vehicle, op.time)
    ).fetchone()
    if closed is not None:  # a repeated ACKNOWLEDGE: it must not close the next downlink
        return int(closed[0])
    nearest = db.execute(_NEAREST, (op.vehicle, *_around(op.time), op.time)).fetchone()
    if nearest is None:
        return None
    number = int(nearest[0])
    if fate.state == OFFERED:
        db.execute("UPDATE downlinks SET info_code = ?, info = ? WHERE number = ?", (op.info_code, op.info, number))
    else:
        db.execute(_CLOSE, (fate.state, op.at, op.info_code, op.info, op.time, number))
    return number


def _around(time: int) -> tuple[int, int]:
    return time - ACK_DISTANCE_MS, time + ACK_DISTANCE_MS


_NEAREST = """
SELECT number FROM downlinks WHERE vehicle = ? AND state = 'offered' AND asked_time BETWEEN ? AND ?
ORDER BY abs(asked_time - ?), asked_time, number LIMIT 1"""

_CLOSE = "UPDATE downlinks SET state = ?, closed = ?, info_code = ?, info = ?, ack_time = ? WHERE number = ?"

HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {
    QueueDownlink: _queue,
    CancelDownlink: _cancel,
    OfferDownlink: _offer,
    CloseDownlink: _close,
}
