"""The heads in memory: those that spoke lately as objects, the others packed, and beyond that none.

A head that is in neither is read again from the file, which takes some statements: so a large fleet is fast only while
its heads are here. What is dropped is never lost: a written ring says it all.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container

from evd.model.frame_counter import DayTally
from evd.model.retention import Circle
from evd.store.sqlite.packed_heads import PackedHead, PackedHeads
from evd.store.sqlite.ring_state import RingState

OBJECTS_MAX = 131_072
"""About 600 bytes each, as they are used. A fleet of 100,000 is never packed, which would cost a third more in the loop
(docs/performance.md). More than a group has rows, or each arrival of a large batch would write the ones before it."""

OBJECTS_WITH_FOLD_MAX = 262_144
"""The same where something is derived: such a head is not packed, and reading it again takes long."""

PACKED_MAX = 1 << 20
"""80 bytes each, as they are used: as many vehicles as `ingest.vehicles_max` allows if it is not set."""

TRIES = 64
"""Heads of the group that is being written that are passed over for one that may leave."""


class Heads(OrderedDict[str, RingState]):
    """Vehicle → its head, where it is an object; `find` looks for packed ones, too.

    A plain dict would search for its first key behind all those that were removed: 15 µs instead of 1.
    """

    objects_max = OBJECTS_MAX
    objects_with_fold_max = OBJECTS_WITH_FOLD_MAX

    def __init__(self) -> None:
        super().__init__()
        self.packed = PackedHeads(PACKED_MAX)

    def find(self, vehicle: str, gathered: Container[int], write: Callable[[], None]) -> RingState | None:
        """The vehicle's head, as an object from here on. The rest is as `hold` has it."""
        head = self.get(vehicle)
        if head is None and (packed := self.packed.take(vehicle)) is not None:
            head = _unpacked(packed)
            self.hold(vehicle, head, gathered, write)
        return head

    def hold(self, vehicle: str, head: RingState, gathered: Container[int], write: Callable[[], None]) -> None:
        """Keep a head that is nowhere here; another one may be packed, or dropped, for it.

        `gathered` holds the numbers of the vehicles whose rows are not written: their heads are ahead of the file, and
        stay. If there are too many of them, `write` writes all rows.
        """
        if len(self) >= (self.objects_max if head.fold is None else self.objects_with_fold_max):
            self._make_room(gathered, write)
        self[vehicle] = head

    def drop(self, vehicle: str) -> RingState | None:
        """The head leaves memory; returns it, if it was an object."""
        self.packed.take(vehicle)
        return self.pop(vehicle, None)

    def clear(self) -> None:
        super().clear()
        self.packed.clear()

    def _make_room(self, gathered: Container[int], write: Callable[[], None]) -> None:
        """Pack the object that came first, or is behind those of the group; what is open of one with a fold is written
        before."""
        for _ in range(min(TRIES, len(self))):
            vehicle, head = self.popitem(last=False)
            if head.fold is not None or head.number not in gathered:
                break
            self[vehicle] = head  # it is used: back to the end
        if head.fold is not None or head.number in gathered:
            write()
            self.pop(vehicle, None)
        if (packed := _packed(head)) is not None:
            self.packed.put(vehicle, packed)


def _packed(head: RingState) -> PackedHead | None:
    """None for a head that is more than a circle, an empty one, and one with a fold."""
    if not head.plain or head.ahead or not head.kept or head.fold is not None or head.activity is not None:
        return None
    shape = (head.number, head.slots, head.kept, head.newest, head.time, head.seq)
    return (*shape, head.behind, int(head.frames), *head.tally.numbers)


def _unpacked(packed: PackedHead) -> RingState:
    number, slots, kept, newest, time, seq, behind, frames, *tally = packed
    head = RingState(number, Circle(slots, kept, newest), DayTally(*tally), keep=slots, frames=bool(frames))
    head.time, head.seq, head.behind = time, seq, behind
    return head
