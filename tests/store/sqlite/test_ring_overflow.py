"""What stands beside the circle is sorted by rank and arrival, and falls out in its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, arrival, ring_of, rows

from evd.model.retention import Rank
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.ring_overflow import HALF, Overflow
from evd.store.sqlite.ring_state import OVERFLOW_MAX, RingState

Opener = Callable[..., SqliteDatabase]


ON_DISK = """
SELECT v.vehicle, count(*) FROM vehicles AS v
JOIN statuses AS s ON v.number = CASE WHEN s.place < 0 THEN -s.place - 1 ELSE s.place END >> 20 GROUP BY 1"""


def test_what_stands_beside_its_circle_falls_out_in_its_turn(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=100)
    in_order = [arrival(time=NOW + 2 * i) for i in range(100)]
    late = [arrival(time=NOW + 2 * i + 1) for i in range(49, 29, -1)]
    store.write([*in_order, *late])
    assert rows(database, "SELECT overflow > 0 FROM vehicles") == [(1,)]
    expected = sorted([*in_order, *late], key=lambda one: one.time)[-100:]
    assert ring_of(database) == [one.status_id for one in expected]
    newer = [arrival(time=NOW + 1000 + i) for i in range(75)]
    store.write(newer)
    assert ring_of(database) == [one.status_id for one in [*expected, *newer][-100:]]
    assert rows(database, "SELECT overflow, (SELECT count(*) FROM overflow) FROM vehicles") == [(0, 0)]
    assert rows(database, ON_DISK) == [("386625", 100)]


COPY = """
INSERT INTO statuses SELECT ?, timely, time, seq, id, received, connectivity, payload, fields, document, flags, radio,
    activity
FROM statuses WHERE place = ?"""


@pytest.fixture
def ring(open_store: Opener) -> Iterator[Any]:
    """A store with one status, in an open transaction."""
    store: Any = open_store()
    store.write([arrival()])
    store._db.execute("BEGIN")
    yield store
    store._db.execute("ROLLBACK")


def added(store: Any, head: RingState, rank: Rank, *, behind: bool = True) -> int:
    place: int = store._rings._overflow.add(head, rank, behind=behind)
    store._db.execute(COPY, (place, head.base))
    return place


def test_places_keep_the_order_of_arrival_in_either_half(ring: Any) -> None:
    """What was set aside came before what is added behind the circle, and counts as lower at an equal rank."""
    head, rank = ring._rings.find("386625"), Rank(True, NOW, 0)
    late, aside, late_2, aside_2 = (added(ring, head, rank, behind=behind) for behind in (True, False, True, False))
    assert (aside, aside_2) == (-head.base - 1, -head.base - 2)
    assert (late, late_2) == (aside - HALF, aside_2 - HALF)
    assert [Overflow.was_set_aside(head, place) for place in (late, aside, late_2, aside_2)] == [False, True] * 2
    assert sorted(ring._rings._overflow.equal(head, rank), reverse=True) == [aside, aside_2, late, late_2]


def test_a_half_whose_last_place_is_taken_uses_any_free_one(ring: Any) -> None:
    head, rank = ring._rings.find("386625"), Rank(True, NOW, 0)
    last = -head.base - OVERFLOW_MAX
    ring._db.execute(COPY, (last, head.base))
    place = added(ring, head, rank)
    assert last < place <= -head.base - 1
    assert added(ring, head, rank) not in (last, place)


def test_the_lowest_is_of_the_future_first_then_the_earliest_then_what_came_first(ring: Any) -> None:
    overflow, head = ring._rings._overflow, ring._rings.find("386625")
    ranks = [
        Rank(True, NOW, 1),
        Rank(True, NOW, 0),
        Rank(True, NOW, 0),
        Rank(False, NOW + 9, 0),
        Rank(True, NOW - 1, 5),
    ]
    left = {added(ring, head, rank): rank for rank in ranks}
    first, second = (place for place, rank in left.items() if rank == Rank(True, NOW, 0))
    assert (head.overflow, head.ahead) == (5, True)
    assert overflow.above(head, Rank(True, NOW, 0), 9) == 1
    assert overflow.above(head, Rank(True, 0, 0), 2) == 2, "counted no further"
    gone = []
    while head.overflow:
        rank, place = overflow.lowest(head)
        assert left.pop(place) == rank
        overflow.remove(head, rank, place)
        gone.append(rank)
        if len(gone) == 3:
            assert place == first
        assert head.ahead is False
    assert gone == sorted(ranks) and second
    assert overflow.lowest(head) is None and overflow.equal(head, ranks[0]) == []
