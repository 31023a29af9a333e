"""Rings are maintained in bounded steps: wrong sizes, damage, a clock that was wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from builders import NOW, arrival, ring_of, rows

from evd.model.operations import Arrive, SetVehicle
from evd.model.retention import Verdict
from evd.store.sqlite import ring_upkeep
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.ring_upkeep import RingMaintenance

Opener = Callable[..., SqliteDatabase]


ON_DISK = """
SELECT v.vehicle, count(*) FROM vehicles AS v
JOIN statuses AS s ON v.number = CASE WHEN s.place < 0 THEN -s.place - 1 ELSE s.place END >> 20 GROUP BY 1"""


def verdicts(store: SqliteDatabase, *group: Arrive) -> list[Verdict]:
    return [result.verdict for result in store.write(group)]


def test_a_lowered_ring_shrinks_at_once_for_readers_and_vehicle_by_vehicle_on_disk(
    open_store: Opener, database: Path
) -> None:
    vehicles = ("A", "B", "C")
    store = open_store(capacity=10)
    store.write([arrival(vehicle, time=NOW - i) for vehicle in vehicles for i in range(17, 0, -1)])
    store.close()
    store = open_store(capacity=3)
    newest = [arrival("A", time=NOW - i).status_id for i in (3, 2, 1)]
    assert ring_of(database, "A") == newest
    assert rows(database, ON_DISK) == [("A", 10), ("B", 10), ("C", 10)]
    assert store.maintain(), "more is left"
    assert rows(database, ON_DISK) == [("A", 3), ("B", 10), ("C", 10)]
    assert verdicts(store, arrival("B", time=NOW - 4, seq=7)) == [Verdict.TOO_OLD], "room on disk is none in the ring"
    assert rows(database, ON_DISK) == [("A", 3), ("B", 3), ("C", 10)], "its own ring first"
    while store.maintain():
        pass
    assert rows(database, ON_DISK) == [("A", 3), ("B", 3), ("C", 3)]
    assert verdicts(store, arrival("A", time=NOW)) == [Verdict.NEWEST]
    assert ring_of(database, "A") == [*newest[1:], arrival("A", time=NOW).status_id]


def test_a_much_lowered_ring_is_trimmed_in_bounded_steps(open_store: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_upkeep, "TRIM_ROWS_MAX", 4)
    store: Any = open_store(capacity=12, rollup_days=0)
    store.write([arrival(time=NOW + one) for one in range(12)])
    while store.maintain():
        pass
    store.write([SetVehicle("386625", NOW, keep=1)])
    upkeep, left = store._rings.upkeep, []
    store._db.execute("BEGIN")
    while upkeep.due:
        upkeep.step()
        left.append(store._db.execute("SELECT count(*) FROM statuses").fetchone()[0])
    store._db.execute("COMMIT")
    assert left[:3] == [8, 4, 1]
    assert upkeep.moved >= 11


def test_a_long_circle_that_wraps_keeps_its_slots_until_it_wraps_anew(open_store: Opener, database: Path) -> None:
    """It would have to be moved whole; a shorter one is."""
    for lay_out_max, slots in ((5, 6), (6, 7)):
        store: Any = open_store(database.with_name(f"{lay_out_max}.db"), capacity=6, rollup_days=0)
        store._rings.upkeep.lay_out_max = lay_out_max
        store.write([arrival(time=NOW + one) for one in range(9)])
        store.write([SetVehicle("386625", NOW, keep=7)])
        while store.maintain():
            pass
        assert rows(store.path, "SELECT slots FROM vehicles") == [(slots,)]


@pytest.mark.parametrize(
    "note", [RingMaintenance.sizes_changed, RingMaintenance.ring_left, lambda upkeep: upkeep.clock_mended(NOW)]
)
def test_what_is_noted_is_due_until_it_was_looked_for(
    open_store: Opener, note: Callable[[RingMaintenance], None]
) -> None:
    store: Any = open_store()
    store.write([arrival()])
    while store.maintain():
        pass
    upkeep: RingMaintenance = store._rings.upkeep
    assert not upkeep.due
    note(upkeep)
    assert upkeep.due
    while store.maintain():
        pass
    assert not upkeep.due
    upkeep.forget()
    assert upkeep.due, "after a rollback nothing is known"


def test_a_ring_with_too_many_rows_to_repair_in_the_loop_waits_for_its_turn(open_store: Opener) -> None:
    store: Any = open_store()
    store.write([arrival(time=NOW + one) for one in range(3)])
    upkeep: RingMaintenance = store._rings.upkeep
    store._db.execute("BEGIN")
    upkeep.note_damage(1)
    assert not upkeep.repair(rows_max=2)
    with structlog.testing.capture_logs() as logs:
        assert upkeep.repair(rows_max=3)
    assert [(entry["vehicle"], entry["statuses"]) for entry in logs] == [("386625", 3)]
    upkeep.note_damage(99)
    assert upkeep.repair(), "a vehicle that is gone meanwhile has nothing to repair"
    store._db.execute("COMMIT")
