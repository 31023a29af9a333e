"""What the events engine asks runs in the loop: no table is read whole, and the future and the overflow are minded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from builders import NOW, arrival
from query_plans import full_scans

from evd.model.operations import AddOwner
from evd.model.units import DAY_MS
from evd.store.records import GAPS_OF
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.read.event_state import PREVIOUS_AMONG, SqliteEventState

QUESTIONS: dict[str, Callable[[SqliteEventState], object]] = {
    "event_settings_of": lambda state: state.event_settings_of("A"),
    "last_of": lambda state: state.last_of("A"),
    "previous_of": lambda state: state.previous_of("A", NOW, "x"),
    "received_of": lambda state: state.received_of("A"),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_no_table_is_read_whole(
    open_store: Callable[..., SqliteDatabase], question: Callable[[SqliteEventState], object]
) -> None:
    store: Any = open_store()
    store.write([AddOwner("anna", "A", NOW), arrival("A")])
    state: Any = store.event_state()
    assert full_scans(state._db, lambda: question(state), "statuses", "s", "overflow", "alert_states", "v") == []


@pytest.mark.parametrize("shift_max", [0, 32], ids=["late ones beside the circle", "in the circle"])
def test_the_one_before_is_the_newest_of_few_that_is_no_later(
    open_store: Callable[..., SqliteDatabase], shift_max: int
) -> None:
    store: Any = open_store(capacity=20)
    store._rings.shift_max = shift_max
    said = [arrival(time=NOW + 10 * one) for one in range(8)]
    late = arrival(time=NOW + 65)
    store.write([*said, late, arrival(time=NOW + 9 * DAY_MS)])
    state = store.event_state()

    def before(one: Any) -> str | None:
        status = state.previous_of("386625", one.time, one.status_id)
        return None if status is None else status.status_id

    assert before(said[7]) == late.status_id
    assert before(late) == said[6].status_id
    assert before(arrival(time=NOW + 71)) == said[7].status_id, "one that is not written yet"
    assert before(said[8 - PREVIOUS_AMONG]) is None, "more came meanwhile than are searched"


def test_gaps_are_of_the_newest_timely_ones(open_store: Callable[..., SqliteDatabase]) -> None:
    store: Any = open_store(capacity=2 * GAPS_OF)
    said = [arrival(time=NOW + one, received=NOW + 2 * one) for one in range(GAPS_OF + 5)]
    store.write([*said, arrival(time=NOW + 9 * DAY_MS)])
    assert store.event_state().received_of("386625") == [one.received for one in reversed(said)][:GAPS_OF]
