"""The statuses around a rank come one by one, in the order of time, seqNumber and id, from circle and overflow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from builders import NOW
from tangled_ring import VEHICLE, tangled_store

from evd.model.retention import Rank
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.ring_order import CHUNK, RingOrder


@pytest.mark.parametrize("seed", range(4))
def test_around_each_rank_are_all_timely_statuses_in_order(
    open_store: Callable[..., SqliteDatabase], seed: int
) -> None:
    store = tangled_store(open_store, seed)
    head = store._rings.find(VEHICLE)
    order = RingOrder(store._db, head)
    written = sorted(store._db.execute("SELECT time, seq, id FROM statuses WHERE timely = 1").fetchall())
    assert head.overflow and head.kept > CHUNK
    for rank in [(NOW - 1, 0, ""), *map(tuple, written), (NOW + 99_000, 0, "")]:
        index = store._rings._search.count_up_to(head, Rank(True, *rank[:2]))
        below, above = ([row.rank for row in rows] for rows in (order.below(rank, index), order.above(rank, index)))
        assert below == [one for one in reversed(written) if one < rank]
        assert above == [one for one in written if one > rank]
