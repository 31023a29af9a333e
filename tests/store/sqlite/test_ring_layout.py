"""A ring's rows are changed in place: evicted from the lowest on, set aside, laid out anew; its order stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from builders import NOW, arrival
from tangled_ring import VEHICLE, tangled_store

from evd.model.retention import Circle, Rank
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.ring_layout import RingDamaged, lay_out, let_go, rank_at, set_aside, write_shape

Opener = Callable[..., SqliteDatabase]


@pytest.fixture
def transaction(open_store: Opener) -> Iterator[Callable[[Any], None]]:
    """Begins one on a store's writing connection, which ends with the test."""
    begun: list[Any] = []

    def begin(store: Any) -> None:
        store._db.execute("BEGIN")
        begun.append(store._db)

    yield begin
    for connection in begun:
        connection.execute("ROLLBACK")


def ring_in(store: Any) -> list[str]:
    sql = "SELECT id FROM ring WHERE vehicle = ? ORDER BY timely, time, seq, position"
    return [status_id for (status_id,) in store._db.execute(sql, (VEHICLE,))]


def wrapped(open_store: Opener) -> Any:
    """A full circle of six that begins at its fourth slot."""
    store: Any = open_store(capacity=6)
    store.write([arrival(time=NOW + one) for one in range(9)])
    return store


@pytest.mark.parametrize("seed", range(3))
def test_the_lowest_go_whether_in_the_circle_or_beside_it(
    open_store: Opener, transaction: Callable[[Any], None], seed: int
) -> None:
    store = tangled_store(open_store, seed)
    before, head = ring_in(store), store._rings.find(VEHICLE)
    transaction(store)
    for gone in (1, 2, 5, len(before) - 9, 99):
        let_go(store._db, store._rings._overflow, head, gone)
        write_shape(store._db, head)
        before = before[gone:]
        assert ring_in(store) == before
        assert head.total == len(before)
    assert (head.circle, head.overflow) == (Circle(head.slots), 0)


def test_what_is_set_aside_frees_its_slot_and_stays_the_lowest_of_its_rank(
    open_store: Opener, transaction: Callable[[Any], None]
) -> None:
    store: Any = open_store(capacity=6)
    store.write([arrival(payload=bytes([one])) for one in range(9)])
    before, head = ring_in(store), store._rings.find(VEHICLE)
    transaction(store)
    for kept in (5, 4):
        free = head.base + head.circle.slot(0)
        set_aside(store._db, store._rings._overflow, head)
        write_shape(store._db, head)
        assert (head.kept, head.total) == (kept, 6)
        assert store._db.execute("SELECT 1 FROM statuses WHERE place = ?", (free,)).fetchone() is None
        assert ring_in(store) == before
    let_go(store._db, store._rings._overflow, head, 1)
    write_shape(store._db, head)
    assert ring_in(store) == before[1:], "what was set aside first is the lowest"


@pytest.mark.parametrize("keep", [6, 7, 50])
def test_a_circle_is_laid_out_from_its_first_slot_on(
    open_store: Opener, transaction: Callable[[Any], None], keep: int
) -> None:
    store = wrapped(open_store)
    before, head = ring_in(store), store._rings.find(VEHICLE)
    assert head.circle.slot(0) == 3
    transaction(store)
    head.keep = keep
    lay_out(store._db, head)
    assert head.circle == Circle(keep, 6, 5)
    assert ring_in(store) == before
    assert [rank_at(store._db, head, index) for index in range(6)] == [Rank(True, NOW + one, 0) for one in range(3, 9)]
    places = store._db.execute("SELECT place FROM statuses ORDER BY time").fetchall()
    assert [place - head.base for (place,) in places] == list(range(6))


def test_a_slot_without_its_row_is_damage(open_store: Opener, transaction: Callable[[Any], None]) -> None:
    store = wrapped(open_store)
    head = store._rings.find(VEHICLE)
    transaction(store)
    store._db.execute("DELETE FROM statuses WHERE place = ?", (head.base + head.circle.slot(2),))
    assert rank_at(store._db, head, 1)
    with pytest.raises(RingDamaged, match="vehicle number 1 is not as it was written"):
        rank_at(store._db, head, 2)
