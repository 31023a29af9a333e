"""The rings on disk: circles and overflow, their shapes and sizes, and their repair. What any engine's rings do is in
the contract."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from builders import arrival, ring_of, rows
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant
from ring_model import VEHICLES, RingMachine

from evd.dev.fleet import Fleet, sigfox_callback, wlan_body
from evd.model.connectivity import SIGFOX
from evd.model.operations import Arrive
from evd.model.status import vehicle_id
from evd.payload.formats import Formats
from evd.sigfox.decode_policy import decode
from evd.sigfox.message import read_json, read_message
from evd.store.sqlite.connection import checkpoint
from evd.store.sqlite.database import SqliteDatabase


class SqliteRings(RingMachine):
    """The contract's walks, with small bounds, so that a small ring does what a large one does; and the tables."""

    def __init__(self) -> None:
        super().__init__("sqlite")

    @initialize(
        capacity=st.integers(1, 8),
        shift_max=st.sampled_from([0, 1, 32]),
        lay_out_max=st.sampled_from([0, 3, 4096]),
        objects_max=st.sampled_from([1, 2, 1000]),
    )
    def first_start(self, capacity: int, shift_max: int, lay_out_max: int, objects_max: int) -> None:
        self.bounds = {"shift_max": shift_max, "lay_out_max": lay_out_max}
        self.objects_max = objects_max
        super().first_start(capacity)

    def open(self, capacity: int) -> None:
        super().open(capacity)
        rings: Any = self.database.store._rings  # type: ignore[attr-defined]
        for bound, value in self.bounds.items():
            setattr(rings if bound == "shift_max" else rings.upkeep, bound, value)
        rings._heads.objects_max = rings._heads.objects_with_fold_max = self.objects_max

    @invariant()
    def nothing_else_is_on_disk(self) -> None:
        path = self.database.path
        counted = dict(rows(path, ON_DISK))
        assert counted == {vehicle: len(ring) for vehicle, ring in self.model.rings.items() if ring}
        for vehicle, kept in rows(path, "SELECT vehicle, kept FROM capacities"):
            assert kept == counted.get(vehicle, 0)
        for vehicle in VEHICLES:
            assert ring_of(path, vehicle) == [one.status_id for one in self.model.visible(vehicle)], "the view's order"
        sorted_by = "SELECT {0}.vehicle, {1}.timely, {1}.time, {1}.seq FROM overflow AS o"
        with_rows = rows(path, sorted_by.format("o", "s") + " JOIN statuses AS s USING (place)")
        assert sorted(with_rows) == rows(path, sorted_by.format("o", "o")), "each has its row"
        counts = "SELECT number, overflow FROM vehicles WHERE overflow ORDER BY 1"
        assert rows(path, counts) == rows(path, "SELECT vehicle, count(*) FROM overflow GROUP BY 1")


SqliteRings.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestSqliteRings = SqliteRings.TestCase


Opener = Callable[..., SqliteDatabase]
ON_DISK = """
SELECT v.vehicle, count(*) FROM vehicles AS v
JOIN statuses AS s ON v.number = CASE WHEN s.place < 0 THEN -s.place - 1 ELSE s.place END >> 20 GROUP BY 1"""


@pytest.mark.parametrize(
    ("vehicles", "capacity", "shape"), [(50, 20, "plain"), (50, 20, "original"), (50, 20, "wlan"), (10, 100, "plain")]
)
def test_the_files_size_is_constant_over_ten_turns_of_the_rings(
    open_store: Opener, database: Path, vehicles: int, capacity: int, shape: str
) -> None:
    """±5 % of the size at the moment when all rings are full, for a simulated fleet's own callbacks.

    What is derived outlives the rings and grows for `retention.rollup_days`, so it is left out.
    """
    store, fleet, chance = open_store(capacity=capacity, rollup_days=0), Fleet(vehicles, seed=1), random.Random(7)
    formats, seconds = Formats({}, "ev"), count(1_600_000_000, 60)

    def said_by(vehicle: str) -> Arrive:
        state = fleet.step(vehicle, next(seconds))
        body = orjson.dumps(wlan_body(state) if shape == "wlan" else sigfox_callback(state, shape))
        message = read_message(read_json(body))
        fields = decode(message, None, formats.default, SIGFOX).fields
        said = {"seq": message.seq, "payload": message.payload, "document": body, "fields": fields}
        return arrival(message.vehicle, time=message.time, **said)

    def turn() -> int:
        """Every vehicle says as much as its ring holds, in random order; the file's size in bytes afterwards."""
        speakers = list(fleet.vehicles) * capacity
        chance.shuffle(speakers)
        for first in range(0, len(speakers), 25):
            store.write([said_by(vehicle) for vehicle in speakers[first : first + 25]])
        checkpoint(store._db, "TRUNCATE")
        return database.stat().st_size

    filled = turn()
    assert rows(database, ON_DISK) == [(vehicle_id(vehicle), capacity) for vehicle in sorted(fleet.vehicles)]
    sizes = [turn() for _ in range(10)]
    assert [size for size in sizes if not 0.95 * filled <= size <= 1.05 * filled] == []
