"""Roll-ups: numbers of a table, and that merging in any order gives one result."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.derived.fold import merged
from evd.derived.rollups import Between, Rollup, between, read_rollup, written
from evd.derived.samples import StatusSample, read_sample
from evd.model.units import MINUTE_MS


def sample(minute: int, seq: int = 0, **fields: Any) -> StatusSample:
    return read_sample(minute * MINUTE_MS, seq, f"{minute}-{seq}", orjson.dumps(fields))


def test_of_each_measure_its_spread() -> None:
    rollup = Rollup(0, 0)
    for one in (sample(5, current_charge=50, range=100), sample(1, current_charge=40), sample(9, current_charge=42.5)):
        rollup.add(one)
    charge = rollup.measures["current_charge"]
    assert (charge.count, charge.mean, charge.least, charge.greatest) == (3, pytest.approx(44.166667), 40, 50)
    assert (charge.first, charge.last) == (40, 42.5)
    assert rollup.measures["full_range"].mean == 200
    assert rollup.messages == 3


@pytest.mark.parametrize("value", [None, "5", True, 1e300, [5], {"a": 5}])
def test_what_is_no_number_of_a_vehicle_is_no_value(value: Any) -> None:
    assert sample(0, current_charge=value, state=value).numbers == sample(0).numbers
    assert sample(0, state=value).kind == 0


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ({"current_charge": 40}, {"current_charge": 42.5}, Between(charged=2500)),
        ({"current_charge": 42}, {"current_charge": 40}, Between(used=2000)),
        ({"state": 3, "range": 100}, {"state": 0, "range": 98.5}, Between(driven=1500)),
        ({"state": 0, "range": 100}, {"state": 3, "range": 101}, Between()),
        ({"state": 0, "range": 100}, {"state": 0, "range": 98}, Between()),
        ({"state": 1, "current": 16}, {"state": 1, "current": -32.5}, Between(current=48_500 * MINUTE_MS)),
        ({"state": 1, "current": 16}, {"state": 2, "current": 16}, Between()),
        ({}, {"current_charge": 42}, Between()),
    ],
)
def test_what_lies_between_two_statuses(one: dict[str, Any], other: dict[str, Any], found: Between) -> None:
    assert between(sample(0, **one), sample(1, **other)) == found
    assert between(None, sample(1, **other)) == Between()


SAMPLES = st.lists(
    st.builds(
        sample,
        st.integers(0, 59),
        st.integers(0, 1),
        current_charge=st.one_of(st.none(), st.floats(0, 100), st.integers(0, 100)),
        elec_consumption=st.floats(-1e8, 1e8),
        range=st.integers(0, 500),
    ),
    max_size=12,
)


@given(SAMPLES, st.data())
def test_merged_in_any_order_from_any_parts(samples: list[StatusSample], data: st.DataObject) -> None:
    whole = Rollup(0, 0)
    for one in samples:
        whole.add(one)
    parts = [Rollup(0, 0) for _ in range(3)]
    for one in data.draw(st.permutations(samples)):
        parts[data.draw(st.integers(0, 2))].add(one)
    assert merged(parts, 0, 0) == whole
    assert read_rollup(0, 0, written(whole)) == whole
