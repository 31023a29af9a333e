"""The two that roll up the part that goes on, beside each other and beside the readable roll-up."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evd.derived import _open_part, _open_part_py
from evd.derived.fold import Fold
from evd.derived.rollups import Rollup, between, read_rollup
from evd.derived.samples import StatusSample, read_sample
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
FIRST = read_sample(0, 0, "first", orjson.dumps(ORDINARY))


def both(last: StatusSample = FIRST) -> tuple[Any, Any]:
    begun = Rollup(0, 0)
    begun.add(last)
    return _open_part.OpenPart(begun, HOUR_MS, last), _open_part_py.OpenPart(begun, HOUR_MS, last)


def assert_alike(fast: Any, readable: Any) -> None:
    assert fast.last == readable.last
    assert fast.rollup() == readable.rollup()
    assert fast.counts() == readable.counts()
    assert read_rollup(fast.start, fast.day, fast.written()) == fast.rollup()
    assert (fast.start, fast.until, fast.day) == (readable.start, readable.until, readable.day)


@given(STATUSES)
@example([(minute, 0, ORDINARY | {"current_charge": 76 - minute}) for minute in range(5)])
def test_both_take_the_same_and_roll_it_up_alike(statuses: list[tuple[int, int, dict[str, Any]]]) -> None:
    """What comes in order and is ordinary, and what comes in any order by its sample."""
    fast, readable = both()
    for number, (minute, seq, fields) in enumerate(statuses):
        text = orjson.dumps(fields)
        taken = fast.take_quiet(minute * MINUTE_MS, seq, str(number), text)
        if taken:  # what is not ordinary the fast one leaves to the readable way
            assert readable.take_quiet(minute * MINUTE_MS, seq, str(number), text)
        else:
            sample = read_sample(minute * MINUTE_MS, seq, str(number), text)
            assert fast.is_below(*sample.rank) == readable.is_below(*sample.rank) == (readable.last.rank < sample.rank)
            for one in (fast, readable):
                one.add(sample)
                one.add_between(between(FIRST, sample))
                one.add_between(between(sample, FIRST), -1)
                one.last = sample if number % 2 else one.last
        assert_alike(fast, readable)
    again = _open_part.OpenPart(fast.rollup(), HOUR_MS, fast.last)
    assert_alike(again, readable)
    for one in (fast, readable):
        one.begin(HOUR_MS, 2 * HOUR_MS, 1)
    assert_alike(fast, readable)


def test_an_ordinary_status_is_taken_and_any_body_cut_short_is_not() -> None:
    text = orjson.dumps({**ORDINARY, "flag": True, "none": None, "no": False, "text": "a b"})
    fast, _ = both()
    assert fast.take_quiet(1, 0, "a", text)
    for size in range(len(text)):
        assert not fast.take_quiet(2, 0, "b", text[:size])
    assert fast.counts().messages == 2


@pytest.mark.parametrize("text", ["0.1", "123456789012345", "0.00000000000001", "99999.0000000001", "-7.25", "100"])
def test_a_number_is_the_nearest_double_and_is_written_as_it(text: str) -> None:
    fast, _ = both(read_sample(0, 0, "first", b"{}"))
    assert fast.take_quiet(1, 0, "a", f'{{"elec_consumption":{text}}}'.encode())
    found = fast.last.numbers[7]
    assert found == (float(text) if abs(float(text)) <= 1e9 else None)
    assert read_rollup(0, 0, fast.written()) == fast.rollup()


@given(STATUSES)
def test_a_fold_that_takes_what_it_can_the_quick_way_is_the_fold(statuses: list[Any]) -> None:
    quick, readable = Fold(), Fold()
    done: list[Any] = []
    expected: list[Any] = []
    for number, (minute, seq, fields) in enumerate(sorted(statuses, key=lambda one: one[:2])):
        text = orjson.dumps(fields)
        sample = read_sample(minute * MINUTE_MS, seq, f"{number:03}", text)
        over = quick.turn(sample.time)
        if over is not None:
            done.append((read_rollup(*over), []))
        if not quick.take_quiet(sample.time, sample.seq, sample.status_id, text):
            done.append(quick.take(sample))
        completed = readable.take(sample)
        expected += [(completed.part, [])] if completed.part else []
        expected += [(None, completed.ended)] if completed.ended else []
    assert [one for one in done if one[0] or one[1]] == expected
    assert (quick.rollup, quick.last, quick.open) == (readable.rollup, readable.last, readable.open)
