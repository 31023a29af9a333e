"""A ring of statuses in an order of chance: late ones, ties, others without a number, some ahead of the clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from builders import NOW, arrival

from evd.model.operations import Arrive
from evd.model.units import DAY_MS
from evd.store.sqlite.database import SqliteDatabase

VEHICLE = "386625"


def tangled(seed: int, count: int = 60) -> list[Arrive]:
    """Fifteen seconds of one vehicle, whose statuses all differ."""
    chance, said = random.Random(seed), []
    for number in range(count):
        at = NOW + chance.randrange(15) * 1000 + (9 * DAY_MS if chance.random() < 0.05 else 0)
        said.append(arrival(VEHICLE, time=at, seq=chance.choice((0, 1, 2, None)), payload=bytes([number % 256])))
    return said


def tangled_store(open_store: Callable[..., SqliteDatabase], seed: int, capacity: int = 40) -> Any:
    """A store with that ring in a full circle and an overflow: no late status may move more than two rows."""
    store: Any = open_store(capacity=capacity)
    store._rings.shift_max = 2
    store.write(tangled(seed))
    return store
