"""Change the rows of one ring in place: evict, lay out in another number of slots, write the shape.

Nothing of the ring may be gathered by the commit thread meanwhile.
"""

from __future__ import annotations

from typing import Any

from evd.model.retention import Circle, Rank
from evd.store.sqlite.ring_overflow import Overflow
from evd.store.sqlite.ring_state import RingState

# In two steps, because a row may not take the place of one that has yet to move: to a free range, and back.
FAR = 1 << 62
"""Subtracted from a place, it gives a place that no ring uses."""

_OUT = f"""
UPDATE statuses SET place = -{FAR} + :base + (place - :base - :first + :slots) % :slots
WHERE place BETWEEN :base AND :base + :slots - 1"""  # noqa: S608 (a constant)
_BACK = f"""
UPDATE statuses SET place = place + {FAR}
WHERE place BETWEEN -{FAR} + :base AND -{FAR} + :base + :slots - 1"""  # noqa: S608
_SHAPE = """
UPDATE vehicles SET slots = ?, kept = ?, newest = ?, overflow = ?,
    counted = ?, counted_seq = ?, received = ?, lost = ?, resets = ? WHERE number = ?"""
_RANK = "SELECT timely, time, seq FROM statuses WHERE place = ?"
_DELETE = "DELETE FROM statuses WHERE place = ?"
_MOVE = "UPDATE statuses SET place = ? WHERE place = ?"


class RingDamaged(Exception):
    """A vehicle's rows do not fit its ring shape, because another program changed them. `number` is the vehicle's."""

    def __init__(self, number: int) -> None:
        super().__init__(f"the ring of vehicle number {number} is not as it was written")
        self.number = number


def rank_at(connection: Any, head: RingState, index: int) -> Rank:
    """The rank of the status at `index` of the circle. Raises RingDamaged."""
    row = connection.execute(_RANK, (head.base + head.circle.slot(index),)).fetchone()
    if row is None:
        raise RingDamaged(head.number)
    timely, time, seq = row
    return Rank(bool(timely), time, seq)


def let_go(connection: Any, overflow: Overflow, head: RingState, count: int) -> None:
    """Evict the ring's `count` lowest statuses, or all if it has fewer. Raises RingDamaged."""
    for _ in range(min(count, head.total)):
        beside = overflow.lowest(head)
        if beside is not None and (not head.kept or _is_lower(*beside, rank_at(connection, head, 0), head)):
            rank, place = beside
            overflow.remove(head, rank, place)
            connection.execute(_DELETE, (place,))
        else:
            connection.execute(_DELETE, (head.base + head.circle.slot(0),))
            _shorten(head)


def set_aside(connection: Any, overflow: Overflow, head: RingState) -> None:
    """Move the circle's lowest status to the overflow, to free its slot: a circle that is to be enlarged, but wraps
    around its end, has no other for the next status. Raises RingDamaged."""
    place, rank = head.base + head.circle.slot(0), rank_at(connection, head, 0)
    connection.execute(_MOVE, (overflow.add(head, rank, behind=False), place))
    _shorten(head)


def _is_lower(rank: Rank, place: int, other: Rank, head: RingState) -> bool:
    """Whether a status of the overflow ranks below one of the circle; of equal ranks, the earlier arrival is lower."""
    return rank < other or (rank == other and Overflow.was_set_aside(head, place))


def _shorten(head: RingState) -> None:
    head.kept -= 1
    if not head.kept:
        head.newest = -1


def lay_out(connection: Any, head: RingState) -> None:
    """Lay the circle out from slot 0 in as many slots as the ring is to keep; it must not hold more statuses."""
    circle = head.circle
    if circle.kept and circle.slot(0) != 0:
        layout = {"base": head.base, "slots": circle.slots, "first": circle.slot(0)}
        connection.execute(_OUT, layout)
        connection.execute(_BACK, {"base": head.base, "slots": circle.slots})
    head.circle = Circle(head.keep, circle.kept, circle.kept - 1)
    write_shape(connection, head)


def write_shape(connection: Any, head: RingState) -> None:
    """Write the ring shape at once, with the frame count."""
    connection.execute(_SHAPE, (*head.circle, head.overflow, *head.tally.numbers, head.number))
    head.behind = 0
