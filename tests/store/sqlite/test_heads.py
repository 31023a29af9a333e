"""Heads that do not fit into memory as objects: packed ones, and those that are read again."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, arrival, new_store, rows

from evd.model.operations import Arrive
from evd.model.retention import Verdict
from evd.model.units import HOUR_MS
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.packed_heads import PackedHeads


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
