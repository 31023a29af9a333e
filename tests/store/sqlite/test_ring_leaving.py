"""The rings of vehicles that are gone are emptied step by step, into another one or into nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, arrival, ring_of

from evd.model.operations import MergeVehicle
from evd.model.units import DAY_MS
from evd.store.sqlite import ring_leaving
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.sqlite_library import sqlite3

Opener = Callable[..., SqliteDatabase]


def test_a_step_that_meets_a_damaged_ring_loses_nothing_of_the_other_one(open_store: Opener, database: Path) -> None:
    """Statuses arrive from the ring of a merged vehicle."""
    store = open_store(capacity=20, rollup_days=0)
    store.write([arrival(vehicle, time=NOW + i) for i in range(9) for vehicle in "AB"])
    store.write([MergeVehicle("A", "B", NOW)])
    store.close()
    foreign = sqlite3.connect(str(database))
    foreign.execute("DELETE FROM statuses WHERE place = (2 << 20) + 8")  # the newest of B
    foreign.commit()
    foreign.close()
    store = open_store(capacity=20, rollup_days=0)
    while store.maintain():
        pass
    expected = {arrival("A", time=NOW + i).status_id for i in range(9)}
    assert set(ring_of(database, "B")) == expected | {arrival("B", time=NOW + i).status_id for i in range(8)}


def test_a_ring_that_leaves_is_emptied_in_bounded_steps_before_its_number_is_given_again(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring_leaving, "DELETE_MAX", 3)
    store: Any = open_store(capacity=9, rollup_days=0)
    store._rings.shift_max = 0
    store.write([arrival("A", time=NOW + 10 * one) for one in range(4)])
    store.write([arrival("A", time=NOW + 5), arrival("A", time=NOW + 9 * DAY_MS)])
    store._db.execute("BEGIN")
    assert store._rings.leave("A", None) == 1
    assert store._rings.leave("A", None) is None, "it is gone"
    store._rings.create("B", NOW)
    left = []
    while ring_leaving.empty_step(store._db, store._rings):
        left.append(store._db.execute("SELECT count(*) FROM statuses").fetchone()[0])
    assert left == [3, 0, 0], "the last step forgets the ring"
    assert store._db.execute("SELECT number FROM vehicles").fetchall() == [(2,)]
    assert store._db.execute("SELECT count(*) FROM overflow").fetchone() == (0,)
    store._db.execute("COMMIT")


def test_a_merged_ring_moves_in_bounded_steps(open_store: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_leaving, "MOVE_MAX", 2)
    store: Any = open_store(capacity=9, rollup_days=0)
    store.write([arrival("A", time=NOW + one) for one in range(3)] + [arrival("B")])
    store._db.execute("BEGIN")
    store._rings.leave("A", "B")
    in_b = []
    while ring_leaving.empty_step(store._db, store._rings):
        in_b.append(
            store._db.execute("SELECT count(*) FROM statuses WHERE place BETWEEN 2 << 20 AND 3 << 20").fetchone()
        )
    assert in_b == [(3,), (4,), (4,)]
    store._db.execute("COMMIT")
