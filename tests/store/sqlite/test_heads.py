"""Heads that do not fit into memory as objects: packed ones, and those that are read again."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, arrival, new_store, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.model.operations import Arrive
from evd.model.retention import Verdict
from evd.model.units import HOUR_MS
from evd.store.sqlite import _packed_heads_py
from evd.store.sqlite.database import SqliteDatabase
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


def bounded(store: SqliteDatabase, objects_max: int, packed_max: int) -> None:
    held: Any = store._rings._heads  # type: ignore[attr-defined]
    held.objects_max = held.objects_with_fold_max = objects_max
    held.packed = PackedHeads(packed_max)


def said(seed: int) -> list[list[Arrive]]:
    """Groups of callbacks of 12 vehicles: most in order, some late, some again, some ahead of the clock."""
    chance, groups, sent = random.Random(seed), [], [arrival()]
    for moment in range(40):
        group = []
        for _ in range(chance.randrange(1, 20)):
            vehicle = chance.choice([f"{number:X}" for number in range(10, 20)] + ["a name that is long", "caravan"])
            kind = chance.random()
            now = NOW + moment * 2 * HOUR_MS
            hours = -chance.randrange(60) if kind < 0.2 else 30 if kind > 0.95 else 0
            one = arrival(
                vehicle, time=now + hours * HOUR_MS, seq=moment % 5, payload=bytes([chance.randrange(3)]), now=now
            )
            group.append(chance.choice(sent[-30:]) if 0.2 <= kind < 0.3 else one)
        sent += group
        groups.append(group)
    return groups


@pytest.mark.parametrize("rollup_days", [0, 1826])
@pytest.mark.parametrize(("objects_max", "packed_max"), [(1, 0), (1, 3), (2, 1000), (5, 2)])
def test_what_is_stored_does_not_depend_on_how_many_heads_fit_into_memory(
    tmp_path: Path, objects_max: int, packed_max: int, rollup_days: int
) -> None:
    found = []
    for place, bounds in (("roomy", None), ("narrow", (objects_max, packed_max))):
        store = new_store(tmp_path / place, capacity=6, rollup_days=rollup_days)
        if bounds:
            bounded(store, *bounds)
        verdicts: list[Verdict] = [done.verdict for group in said(3) for done in store.write(group)]
        assert set(verdicts) == set(Verdict)
        if bounds:
            assert len(store._rings._heads) <= max(objects_max, 1)  # type: ignore[attr-defined]
        ring = rows(tmp_path / place, "SELECT * FROM ring ORDER BY vehicle, timely, time, seq, position")
        counts = rows(tmp_path / place, "SELECT * FROM days ORDER BY 1, 2")
        found.append((verdicts, ring, counts))
        store.close()
    assert found[0] == found[1]


def test_a_packed_head_is_forgotten_with_its_vehicle(open_store: Callable[..., SqliteDatabase]) -> None:
    store = open_store(capacity=4, rollup_days=0)
    bounded(store, 1, 10)
    store.write([arrival("1"), arrival("2"), arrival("3")])
    held: Any = store._rings._heads  # type: ignore[attr-defined]
    assert (list(held), len(held.packed)) == (["3"], 2)
    store._rings.drop("1")  # type: ignore[attr-defined]
    assert len(held.packed) == 1
    store._rings.forget()  # type: ignore[attr-defined]
    assert (len(held), len(held.packed)) == (0, 0)
    assert [one.verdict for one in store.write([arrival("1"), arrival("2", time=NOW + 1)])] == [
        Verdict.DUPLICATE,
        Verdict.NEWEST,
    ]
