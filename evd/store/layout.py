"""A ring laid out anew in another number of slots, and its shape as it is written down at once."""

from __future__ import annotations

from typing import Any

from evd.ring import Circle
from evd.store.head import Head

# Two steps, because a row may not take the place of one that has yet to move: out to the negative ids, and back.
_OUT = """
UPDATE statuses SET place = -1 - (:base + ((place - :base) - :first + 2 * :slots) % :slots - :gone)
WHERE place BETWEEN :base AND :base + :slots - 1"""
_BACK = "UPDATE statuses SET place = -1 - place WHERE place BETWEEN -:base - :slots AND -:base - 1"
_SHAPE = """
UPDATE vehicles SET slots = ?, kept = ?, newest = ?, counted = ?, counted_seq = ?, received = ?, lost = ?, resets = ?
WHERE number = ?"""


def resize(connection: Any, head: Head, slots: int) -> None:
    """Lay a ring out in `slots` slots: its newest statuses, from slot 0 on."""
    circle, base = head.circle, head.base
    gone = max(circle.kept - slots, 0)
    for index in range(gone):
        connection.execute("DELETE FROM statuses WHERE place = ?", (base + circle.slot(index),))
    kept = circle.kept - gone
    if circle.slot(gone) != 0 and kept:
        layout = {"base": base, "slots": circle.slots, "first": circle.slot(0), "gone": gone}
        connection.execute(_OUT, layout)
        connection.execute(_BACK, {"base": base, "slots": circle.slots})
    head.circle = Circle(slots, kept, kept - 1)
    write_shape(connection, head)


def write_shape(connection: Any, head: Head) -> None:
    """Here and now, with the count of frames; nothing of the ring may be gathered."""
    connection.execute(_SHAPE, (*head.circle, *head.tally.numbers, head.number))
    head.behind = 0
