"""The two that roll up ordinary statuses, beside each other and beside the readable fold."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evd.derived import _quiet, _quiet_py
from evd.derived.fold import Fold
from evd.derived.samples import read_sample
from evd.model.units import HOUR_MS, MINUTE_MS

VALUES = st.one_of(
    st.integers(-5, 120),
    st.floats(-200, 200),
    st.floats(),
    st.integers(-(10**17), 10**17),
    st.sampled_from([None, True, "", "48.1,17.1", 'a"b\\', 19.2, 0.1, 1e21, 15.40625, -0.0, [1], {"range": 5}]),
)
NAMES = ["state", "current_charge", "range", "current", "elec_consumption", "location", "other", "indoor_temperature"]
STATUSES = st.lists(
    st.tuples(st.integers(0, 70), st.integers(-1, 1), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)),
    max_size=12,
)
ORDINARY = {"state": 0, "current_charge": 76, "range": 300, "elec_consumption": 15.40625, "location": "48.1,17.1"}


@given(STATUSES)
@example([(minute, 0, ORDINARY | {"current_charge": 76 - minute}) for minute in range(5)])
def test_both_take_the_same_and_roll_it_up_alike(statuses: list[tuple[int, int, dict[str, Any]]]) -> None:
    last = read_sample(0, 0, "first", orjson.dumps(ORDINARY))
    fast, readable = _quiet.QuietStatuses(last, HOUR_MS), _quiet_py.QuietStatuses(last, HOUR_MS)
    for number, (minute, seq, fields) in enumerate(statuses):
        text = orjson.dumps(fields)
        taken = fast.take(minute * MINUTE_MS, seq, str(number), text)
        if taken:  # what is not ordinary the fast one leaves to the readable way
            assert readable.take(minute * MINUTE_MS, seq, str(number), text)
        assert fast.sample() == readable.sample()
        assert fast.rollup(0, 0) == readable.rollup(0, 0)
        assert fast.packed() == readable.packed()


def test_an_ordinary_status_is_taken_and_any_body_cut_short_is_not() -> None:
    last = read_sample(0, 0, "first", orjson.dumps(ORDINARY))
    text = orjson.dumps({**ORDINARY, "flag": True, "none": None, "no": False, "text": "a b"})
    fast = _quiet.QuietStatuses(last, HOUR_MS)
    assert fast.take(1, 0, "a", text)
    for size in range(len(text)):
        assert not fast.take(2, 0, "b", text[:size])
    assert fast.messages == 1


@pytest.mark.parametrize("text", ["0.1", "123456789012345", "0.00000000000001", "99999.0000000001", "-7.25", "100"])
def test_a_number_is_the_nearest_double(text: str) -> None:
    fast = _quiet.QuietStatuses(read_sample(0, 0, "first", b"{}"), HOUR_MS)
    assert fast.take(1, 0, "a", f'{{"elec_consumption":{text}}}'.encode())
    found = fast.sample().numbers[7]
    assert found == (float(text) if abs(float(text)) <= 1e9 else None)


@given(STATUSES)
def test_a_fold_that_takes_what_it_can_the_quick_way_is_the_fold(statuses: list[Any]) -> None:
    quick, readable = Fold(), Fold()
    done: list[Any] = []
    expected: list[Any] = []
    for number, (minute, seq, fields) in enumerate(sorted(statuses, key=lambda one: one[:2])):
        text = orjson.dumps(fields)
        sample = read_sample(minute * MINUTE_MS, seq, f"{number:03}", text)
        if not quick.take_quiet(sample.time, sample.seq, sample.status_id, text):
            done.append(quick.take(sample))
        completed = readable.take(sample)
        expected += [completed] if completed.part or completed.ended else []
    assert [one for one in done if one.part or one.ended] == expected
    assert (quick.part, quick.last, quick.open) == (readable.part, readable.last, readable.open)
