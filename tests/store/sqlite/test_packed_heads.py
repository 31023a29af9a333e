"""Packed heads, in C and in Python: a head comes back as it was, or not at all."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.store.sqlite import _packed_heads_py
from evd.store.sqlite.packed_heads import PackedHead, PackedHeads

TWINS = {twin.__module__: twin for twin in (_packed_heads_py.PackedHeads, PackedHeads)}


LEAST: PackedHead = tuple(numbers[0] for numbers in _packed_heads_py.RANGES)  # type: ignore[assignment]


GREATEST: PackedHead = tuple(numbers[-1] for numbers in _packed_heads_py.RANGES)  # type: ignore[assignment]


names = st.text("0123456789ABCDEF", min_size=1, max_size=3)


heads = st.tuples(*(st.integers(numbers[0], numbers[-1]) for numbers in _packed_heads_py.RANGES))


steps = st.one_of(
    st.tuples(st.just("put"), names, heads),
    st.tuples(st.just("put"), names, heads),
    st.tuples(st.just("take"), names),
    st.tuples(st.just("clear")),
)


@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS.keys())
@given(steps=st.lists(steps, max_size=60), heads_max=st.sampled_from([1, 2, 7, 1000]))
@settings(max_examples=60, deadline=None)
def test_a_packed_head_comes_back_as_it_was_or_not_at_all(
    twin: type[PackedHeads], steps: list[Any], heads_max: int
) -> None:
    packed, put = twin(heads_max), dict[str, PackedHead]()
    for step, *values in steps:
        if step == "put":
            assert packed.put(*values)
            put[values[0]] = values[1]
        elif step == "take":
            head, known = packed.take(values[0]), put.pop(values[0], None)
            assert head == known or (head is None and heads_max < 1000)
        else:
            packed.clear()
            put.clear()
        assert len(packed) <= min(heads_max, len(put))
        if heads_max == 1000:
            assert len(packed) == len(put)
    assert all(packed.take(name) in (head, None) for name, head in put.items())
    assert len(packed) == 0


@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS.keys())
def test_a_head_with_the_last_numbers_fits_and_none_beyond(twin: type[PackedHeads]) -> None:
    packed = twin(2)
    assert packed.put("x" * 12, LEAST)
    assert packed.put("ä" * 6, GREATEST)
    assert not packed.put("x" * 13, LEAST)
    for place in (0, 3, 4, 5, 6, 9, 12):
        assert not packed.put("1", (*GREATEST[:place], GREATEST[place] + 1, *GREATEST[place + 1 :]))
    assert (packed.take("x" * 12), packed.take("ä" * 6), packed.take("1")) == (LEAST, GREATEST, None)
    assert not twin(0).put("1", LEAST), "a table for none"


def test_a_full_table_of_many_is_searched_right(seed: int = 5) -> None:
    """More heads than fit, in an order of chance: words of the index move again and again."""
    chance, packed = random.Random(seed), PackedHeads(3_000)
    for number in range(20_000):
        name = f"{chance.randrange(4_000):X}"
        head = packed.take(name)
        assert head is None or f"{head[0]:X}" == name
        assert packed.put(name, (int(name, 16), *LEAST[1:4], number, *LEAST[5:]))
    assert len(packed) == 3_000
    assert sum(packed.take(f"{number:X}") is not None for number in range(4_000)) == 3_000
