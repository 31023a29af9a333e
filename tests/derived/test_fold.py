"""What is open of a vehicle is stored with the names of its measures, so that an evd with others reads it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from evd.derived.activities import VehicleActivity
from evd.derived.fold import Fold, read_fold, saved_state
from evd.derived.samples import CHARGING, read_sample


def stored(**fields: Any) -> list[Any]:
    """What is stored after three statuses; the last has these fields."""
    fold = Fold()
    for hour in range(3):
        text = orjson.dumps({"state": 0, "current_charge": 50 + hour, "range": 200, **(fields if hour == 2 else {})})
        if not fold.take_quiet(hour * 1000, hour, f"{hour}", text):
            fold.take(read_sample(hour * 1000, hour, f"{hour}", text))
    assert fold.part is not None
    time, seq, status_id, fields_, *part, data = fold.part.saved()
    return [saved_state(fold).decode(), time, seq, status_id, fields_.decode(), *part, data.decode()]


@pytest.mark.parametrize("fields", [{}, {"state": 1, "location": "48.1,17.1"}])
def test_a_fold_is_what_was_stored(fields: dict[str, Any]) -> None:
    fold = read_fold("UTC", *stored(**fields))
    assert fold.last is not None and fold.rollup is not None
    assert (fold.last.rank, fold.last.charge, fold.last.location) == ((2000, 2, "2"), 52, fields.get("location"))
    assert (fold.rollup.messages, fold.rollup.charged, fold.rollup.start) == (3, 2000, 0)
    assert fold.rollup.measures["current_charge"].last == 52.0
    assert not fold.changed
    assert (fold.open.kind if fold.open else 0) == fields.get("state", 0)


def test_a_measure_that_is_gone_is_left_out_and_a_new_one_begins() -> None:
    state, *last, fields, start, day, data = stored()
    data = data.replace('"range"', '"gone"')
    fold = read_fold("UTC", state, *last, fields.replace('"range"', '"gone"'), start, day, data)
    assert fold.last is not None and fold.last.range is None
    assert fold.take_quiet(3000, 3, "3", b'{"range":7}')
    assert fold.rollup is not None and fold.rollup.measures["range"].count == 1


def test_a_floor_is_kept() -> None:
    fold = Fold(floor=(5, 1), open_=VehicleActivity(CHARGING, 1, 2))
    again = read_fold("UTC", saved_state(fold).decode(), *stored()[1:])
    assert (again.floor, again.open) == ((5, 1), VehicleActivity(CHARGING, 1, 2))
