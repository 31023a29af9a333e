"""A ring that another program changed is repaired from the rows that exist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from builders import NOW, arrival, ring_of, rows

from evd.model.operations import Stored
from evd.model.retention import Verdict
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.engine import REPAIR_AT_ONCE
from evd.store.sqlite.sqlite_library import sqlite3

Opener = Callable[..., SqliteDatabase]


DAMAGES = {
    "all rows are gone": "DELETE FROM statuses WHERE place BETWEEN 1048576 AND 2097151",
    "the newest is gone": "DELETE FROM statuses WHERE place = 1048576 + 9",
    "every second one is gone": "DELETE FROM statuses WHERE place BETWEEN 1048576 AND 2097151 AND place % 2",
    "a row was moved": "UPDATE statuses SET place = 1048576 + 77 WHERE place = 1048576 + 5",
    "what stood beside is gone": "DELETE FROM statuses WHERE place < 0",
    "what stood beside is not sorted": "DELETE FROM overflow",
    "the shape is wrong": "UPDATE vehicles SET kept = 10, newest = 3 WHERE number = 1",
}


@pytest.mark.parametrize("at_once_max", [REPAIR_AT_ONCE, 0], ids=["in the loop", "beside it"])
@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_ring_that_someone_else_changed_is_repaired_and_costs_no_other_vehicle_anything(
    open_store: Opener,
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: str,
    restarted: bool,
    at_once_max: int,
) -> None:
    monkeypatch.setattr("evd.store.sqlite.engine.REPAIR_AT_ONCE", at_once_max)
    store = open_store(capacity=20)
    store._rings.shift_max = 0
    store.write([arrival("A", time=NOW + 2 * i) for i in range(9)] + [arrival("B"), arrival("A", time=NOW + 7)])
    if restarted:
        store.close()
    foreign = sqlite3.connect(str(database))
    foreign.execute(damage)
    foreign.commit()
    foreign.close()
    if restarted:
        store = open_store(capacity=20)
    left = set(ring_of(database, "A"))
    late, newer, other = arrival("A", time=NOW + 3), arrival("A", time=NOW + 100), arrival("B", time=NOW + 1)
    results = store.write([late, newer, other])
    assert results[2] == Stored(Verdict.NEWEST)
    for _ in range(2):
        while store.maintain():
            pass
        again = store.write([late, newer, other])
    assert {type(result) for result in again} == {Stored}
    ring = ring_of(database, "A")
    assert {late.status_id, newer.status_id} <= set(ring)
    assert ring[-1] == newer.status_id == rows(database, "SELECT id FROM last WHERE vehicle = 'A'")[0][0]
    assert len(ring) == len(set(ring)) <= 20
    assert damage.startswith("UPDATE") or set(ring) >= left
    assert ring_of(database, "B") == [arrival("B").status_id, other.status_id]
