"""Statuses that were ahead of a clock that was wrong are found in the order of vehicles and times, and taken out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from builders import NOW, arrival

from evd.model.retention import Rank
from evd.model.units import DAY_MS
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.ring_ahead import next_ahead, take_out
from evd.store.sqlite.ring_layout import RingDamaged

LATER = NOW + 9 * DAY_MS


@pytest.fixture
def store(open_store: Callable[..., SqliteDatabase]) -> Iterator[Any]:
    """A: three ahead; B: none; C: one. In an open transaction."""
    opened: Any = open_store()
    opened.write([arrival("A"), arrival("B"), *(arrival("A", time=LATER + one) for one in (2, 0, 1))])
    opened.write([arrival("C", time=LATER, seq=None, flags="ahead disagrees")])
    opened._db.execute("BEGIN")
    yield opened
    opened._db.execute("ROLLBACK")


def test_vehicles_are_found_in_turn_and_their_statuses_the_earliest_first(store: Any) -> None:
    def found(first: int, until: int, limit: int = 9) -> tuple[str, list[int]]:
        _, vehicle, statuses = next_ahead(store._db, first, until, limit)
        return vehicle, [time - LATER for time, *_ in statuses]

    assert found(0, LATER + 9) == ("A", [0, 1, 2])
    assert found(0, LATER + 9, limit=2) == ("A", [0, 1])
    assert found(0, LATER + 1) == ("A", [0, 1])
    assert found(2, LATER + 9) == ("C", [0])
    assert found(0, LATER - 1) == found(4, LATER + 9) == ("", [])


def test_what_is_taken_out_arrives_as_it_came_without_the_flag(store: Any) -> None:
    overflow, head = store._rings._overflow, store._rings.find("C")
    ((time, seq, place),) = next_ahead(store._db, head.number, LATER, 9)[2]
    message, radio = take_out(store._db, overflow, head, "C", Rank(True, time, seq), place)
    came = arrival("C", time=LATER, seq=None, flags="ahead disagrees")
    assert (message, radio) == (msgspec.structs.replace(came, timely=True, flags="disagrees"), None)
    assert (head.overflow, head.ahead) == (0, False)
    assert next_ahead(store._db, head.number, LATER, 9)[2] == []
    with pytest.raises(RingDamaged):
        take_out(store._db, overflow, head, "C", Rank(True, time, seq), place)
