"""Maintenance of the rings, in steps beside the loop: damaged rings, wrong sizes, and a clock that was wrong."""

from __future__ import annotations

from typing import Any, Protocol

from evd.log.logger import log
from evd.model.retention import Rank, Verdict
from evd.store.sqlite.derivation import Derivation
from evd.store.sqlite.ring_ahead import next_ahead
from evd.store.sqlite.ring_layout import lay_out, let_go, write_shape
from evd.store.sqlite.ring_leaving import empty_step
from evd.store.sqlite.ring_overflow import Overflow
from evd.store.sqlite.ring_repair import repair, rows_of
from evd.store.sqlite.ring_state import RingState

TRIM_ROWS_MAX = 1_000
"""Statuses evicted in one step from a ring whose size was lowered: some milliseconds."""

LAY_OUT_MAX = 4_096
"""Rows moved to change a ring's number of slots: about 20 ms beside the loop. A larger ring changes it when its circle
wraps, once in each turn."""

ADMIT_MAX = 64
"""Statuses admitted as timely in one step: about 20 ms beside the loop."""

_VEHICLE = "SELECT vehicle, coalesce(keep, ?) FROM vehicles WHERE number = ?"
_WRONG_SIZE = """
SELECT number, vehicle FROM vehicles
WHERE number >= ?2 AND (slots <> coalesce(keep, ?1) OR (overflow > 0 AND kept + overflow > coalesce(keep, ?1)))
ORDER BY number LIMIT 1"""


class RingsInMemory(Protocol):
    """The part of `evd.store.sqlite.rings.Rings` that must follow changes of a vehicle's rows."""

    derivation: Derivation

    def drop(self, vehicle: str) -> None: ...

    def find(self, vehicle: str) -> RingState | None: ...

    def admit(self, vehicle: str, rank: Rank, place: int) -> Verdict: ...

    def flush(self) -> None: ...


class RingMaintenance:
    """Maintenance of all rings, on the rings' connection and inside the caller's transaction."""

    lay_out_max = LAY_OUT_MAX

    def __init__(self, connection: Any, rings: RingsInMemory, overflow: Overflow, *, capacity: int) -> None:
        self._db = connection
        self._rings = rings
        self._overflow = overflow
        self._capacity = capacity
        self.moved = 0
        """Rows that were moved in rings, which lengthen the WAL; whoever reads the number begins it anew."""
        self._resize_from: int | None = 0
        """The first vehicle whose ring may have another size than its settings; None if there is none."""
        self._damaged: set[int] = set()
        self._admit_from: int | None = None
        """The first vehicle whose ring may have statuses that have become timely; None if the clock was not wrong."""
        self._admit_until = 0
        self._left = True
        """Whether a ring of a vehicle that is gone may have rows."""

    @property
    def due(self) -> bool:
        """Whether `step` may find something to do."""
        return self._resize_from is not None or self._admit_from is not None or bool(self._damaged) or self._left

    def sizes_changed(self) -> None:
        """Note that a ring's size may differ from its settings."""
        self._resize_from = 0

    def clock_mended(self, until: int) -> None:
        """Note that the clock was wrong: statuses ahead of it are timely up to the time `until` (epoch ms)."""
        self._admit_from = 0
        self._admit_until = until

    def ring_left(self) -> None:
        """Note that a vehicle is gone and its ring has to be emptied."""
        self._left = True

    def note_damage(self, number: int) -> None:
        """Note that this vehicle's ring is damaged, for `repair`."""
        self._damaged.add(number)

    def forget(self) -> None:
        """Reset after a rollback."""
        self._resize_from = 0
        self._left = True
        if self._admit_from is not None:
            self._admit_from = 0

    def repair(self, *, rows_max: int | None = None) -> bool:
        """Repair a damaged ring, in an open transaction; False if it has more rows than `rows_max`."""
        number = next(iter(self._damaged))
        if rows_max is not None and rows_of(self._db, number) > rows_max:
            return False
        self._damaged.discard(number)
        row = self._db.execute(_VEHICLE, (self._capacity, number)).fetchone()
        if row is None:
            return True
        vehicle, keep = row
        self._rings.drop(vehicle)
        kept = repair(self._db, number, keep)
        self._resize_from = 0
        log.error("a ring was damaged by someone else and is repaired", vehicle=vehicle, statuses=kept)
        return True

    def step(self) -> None:
        """Do one bounded step in an open transaction; nothing of the rings may be gathered before or after it.

        Raises RingDamaged: the caller rolls the step back, which may have taken a status out of one ring for another.
        """
        if self._damaged:
            self.repair()
        elif self._resize_from is not None:
            self._resize()
        elif self._admit_from is not None:
            self._admit()
        elif self._left:
            self._left = empty_step(self._db, self._rings)

    def _resize(self) -> None:
        """Give a ring the size in its settings. Raises RingDamaged."""
        wrong = self._db.execute(_WRONG_SIZE, (self._capacity, self._resize_from)).fetchone()
        if wrong is None:
            if self._rings.derivation.lags:
                self._derive()  # from rings that have their sizes
            else:
                self._resize_from = None
            return
        number, vehicle = wrong
        self._rings.drop(vehicle)
        self._resize_from = number
        head = self._rings.find(vehicle)
        assert head is not None
        too_many = head.total - head.keep
        let_go(self._db, self._overflow, head, min(too_many, TRIM_ROWS_MAX))
        self.moved += max(min(too_many, TRIM_ROWS_MAX), 0)
        if too_many > TRIM_ROWS_MAX:
            write_shape(self._db, head)
            return
        if not head.fit() and head.kept <= self.lay_out_max:
            self.moved += head.kept
            lay_out(self._db, head)
        write_shape(self._db, head)
        self._resize_from = number + 1

    def _derive(self) -> None:
        """Derive some statuses of a vehicle that were not derived when they came. Raises RingDamaged."""
        derivation = self._rings.derivation
        vehicle = derivation.next_lagging()
        if vehicle is None:
            return
        self._rings.drop(vehicle)
        head = self._rings.find(vehicle)
        if head is None or head.fold is not None or not derivation.catch_up(head):
            derivation.lagging.pop(vehicle, None)

    def _admit(self) -> None:
        """Admit some statuses of one vehicle as timely. Raises RingDamaged."""
        assert self._admit_from is not None
        number, vehicle, found = next_ahead(self._db, self._admit_from, self._admit_until, ADMIT_MAX)
        if not found:
            self._admit_from = None
            return
        self._admit_from = number
        for time, seq, place in found:
            self._rings.admit(vehicle, Rank(True, time, seq), place)
        self._rings.flush()
