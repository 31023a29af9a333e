"""A status is found in its ring by halving, and the newest by following the ring from its written shape."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, arrival, ring_of, rows
from tangled_ring import VEHICLE, tangled_store

from evd.model.operations import Arrive
from evd.model.retention import SHIFT_MAX, Rank, Verdict
from evd.store.sqlite.annotations import NO_SEQ
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.ring_layout import RingDamaged, rank_at
from evd.store.sqlite.ring_search import TIES_MAX

Opener = Callable[..., SqliteDatabase]


def verdicts(store: SqliteDatabase, *group: Arrive) -> list[Verdict]:
    return [result.verdict for result in store.write(group)]


@pytest.mark.parametrize("capacity", [1, 2, 3, 7, 8, 9, 20])
def test_readers_and_the_next_start_know_the_newest_though_its_ring_was_not_written_down(
    open_store: Opener, database: Path, capacity: int
) -> None:
    """In order, one commit each: a ring's shape is written with the first and with some of the others."""
    store, said = open_store(capacity=capacity), []
    for number in range(3 * capacity + 20):
        said.append(arrival(time=NOW + number))
        store.write([said[-1]])
        kept = said[-capacity:]
        assert rows(database, "SELECT kept, keep FROM capacities") == [(len(kept), capacity)]
        assert rows(database, "SELECT id FROM last") == [(said[-1].status_id,)]
        assert rows(database, "SELECT id FROM ring ORDER BY position") == [(one.status_id,) for one in kept]
        if number % 3 == 0:
            store.close()
            store = open_store(capacity=capacity)
            assert verdicts(store, said[-1]) == [Verdict.DUPLICATE]
    (written,) = rows(database, "SELECT newest FROM vehicles")[0]
    assert capacity < 9 or written != (len(said) - 1) % capacity or len(said) % 8 == 1


@pytest.mark.parametrize("depth", [0.0, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("slots", [200, 20_000])
def test_a_late_status_costs_the_same_however_long_its_ring_is(
    open_store: Opener, database: Path, slots: int, depth: float
) -> None:
    store = open_store(capacity=slots)
    parked = {"fields": b'{"state":0,"current_charge":50}'}
    store.write([arrival(time=NOW + 2 * i, **parked) for i in range(slots)])
    late = arrival(time=NOW + 2 * int((slots - 1) * depth) + 1, **parked)
    statements: list[str] = []
    changed = store._db.total_changes
    store._db.set_trace_callback(statements.append)
    assert verdicts(store, late) == [Verdict.LATE]
    store._db.set_trace_callback(None)
    assert len(statements) <= 60, "it is looked for by halving"
    assert store._db.total_changes - changed <= 2 * SHIFT_MAX
    assert len(ring_of(database)) == slots
    assert verdicts(store, late) == [Verdict.DUPLICATE]


@pytest.mark.parametrize("seed", range(4))
def test_a_status_is_found_by_halving_where_one_by_one_finds_it(open_store: Opener, seed: int) -> None:
    store = tangled_store(open_store, seed)
    head, search, db = store._rings.find(VEHICLE), store._rings._search, store._db
    ranks = [rank_at(db, head, index) for index in range(head.kept)]
    written = db.execute("SELECT place, time, seq, id FROM statuses").fetchall()
    assert ranks == sorted(ranks) and head.overflow and head.kept
    for time, seq in product(range(NOW - 1000, NOW + 16_000, 500), (NO_SEQ, 0, 1, 2, 3)):
        rank = Rank(True, time, seq)
        up_to = search.count_up_to(head, rank)
        assert up_to == bisect_right(ranks, rank)
        places = sorted(place for place, *row in written if row[:2] == [time, seq])
        assert sorted(search.places(head, time, seq)) == places
    for _, time, seq, status_id in written:
        rank = Rank(True, time, seq)
        high = search.count_up_to(head, rank)
        assert search.holds(head, rank, high, status_id)
        assert not search.holds(head, rank, high, "another")


@pytest.mark.parametrize("ties", [TIES_MAX - 1, TIES_MAX, TIES_MAX + 1, 30])
def test_any_number_of_statuses_of_one_time_and_number_is_found(open_store: Opener, ties: int) -> None:
    store: Any = open_store(capacity=100)
    store.write([arrival(time=NOW - 1), *(arrival(payload=b"%d" % one) for one in range(ties)), arrival(time=NOW + 1)])
    head = store._rings.find(VEHICLE)
    assert store._rings._search.places(head, NOW, 0) == [head.base + 1 + one for one in range(ties)]


def test_a_ring_without_the_status_in_its_newest_slot_is_damaged(open_store: Opener) -> None:
    store: Any = open_store()
    store.write([arrival(time=NOW + one) for one in range(3)])
    store._db.execute("BEGIN")
    store._db.execute("DELETE FROM statuses")
    with pytest.raises(RingDamaged) as caught:
        store._rings.find(VEHICLE)
    assert caught.value.number == 1
    store._db.execute("ROLLBACK")
