"""Rows a second into rings that are full and turning: vehicles in random and skewed order, by size of the group.

`loop_us_per_row` is the processor's time in the loop's thread, `thread_us_per_row` that of the others and of tidying.

.venv/bin/pytest bench/bench_store.py
"""

from __future__ import annotations

import random
import select
import time
from pathlib import Path
from typing import Any

import pytest

from evd.config.settings import Config
from evd.model.operations import Arrive
from evd.store.protocols import finished
from evd.store.settings import store_settings
from evd.store.sqlite.database import SqliteDatabase

RING = 20
ROWS = 8192
FIELDS = (
    b'{"state":0,"current_charge":76,"target_charge":20,"current":608,"elapsed_time":3929,"remain_time":2504,'
    b'"range":638,"elec_consumption":15.40625,"indoor_temperature":36.25}'
)
DOCUMENT = b'{"device":"386625","time":1639400000,"data":"130a4c0f594e427e4bb45088","seqNumber":118}'


class Callbacks:
    """Arrivals of a fleet: rising times, some vehicles heard far more often than others."""

    def __init__(self, vehicles: int) -> None:
        self.vehicles = vehicles
        self.number = 0
        self.chance = random.Random(vehicles)

    def group(self, rows: int) -> list[Arrive]:
        return [self.next() for _ in range(rows)]

    def next(self, index: int | None = None) -> Arrive:
        self.number += 1
        chosen = int(self.vehicles * self.chance.random() ** 2) if index is None else index
        vehicle = f"{0x100000 + chosen:X}"
        return Arrive(
            status_id=f"{self.number:016x}",
            vehicle=vehicle,
            spelling=vehicle,
            time=1_639_400_000_000 + self.number * 1000,
            seq=self.number % 4096,
            timely=True,
            connectivity=1,
            payload=b"123456789012",
            fields=FIELDS,
            document=DOCUMENT,
            flags="",
            received=1_639_400_000_000,
        )


@pytest.mark.benchmark(group=f"store: {ROWS} rows into full rings of {RING}")
@pytest.mark.parametrize("group", [32, 128, 1024])
@pytest.mark.parametrize("vehicles", [1_000, 20_000])
def bench_write(benchmark: Any, tmp_path: Path, vehicles: int, group: int) -> None:
    store = SqliteDatabase(
        tmp_path / "evd.db", store_settings(Config(), target_kinds=())._replace(capacity=RING, give_up_after_s=60)
    )
    callbacks = Callbacks(vehicles)
    for _ in range(RING):
        for first in range(0, vehicles, 1000):
            store.write([callbacks.next(index) for index in range(first, min(first + 1000, vehicles))])
            store.maintain()

    spent = {"loop": 0.0, "all": 0.0, "rows": 0}

    def write(groups: list[list[Arrive]]) -> None:
        before = time.process_time()
        for one in groups:
            began = time.thread_time()
            finished(store.prepare(one))
            store.start_commit()
            spent["loop"] += time.thread_time() - began
            select.select([store.commit_fd], [], [])
            began = time.thread_time()
            store.finish_commit()
            spent["loop"] += time.thread_time() - began
            if store.wants_checkpoint:
                store.checkpoint()
            if store.wants_maintenance:
                store.maintain()
        spent["all"] += time.process_time() - before
        spent["rows"] += len(groups) * group

    def setup() -> tuple[tuple[list[list[Arrive]]], dict[str, Any]]:
        return ([callbacks.group(group) for _ in range(ROWS // group)],), {}

    benchmark.pedantic(write, setup=setup, rounds=5, warmup_rounds=1)
    benchmark.extra_info["rows_per_s"] = round(ROWS / benchmark.stats.stats.median)
    benchmark.extra_info["loop_us_per_row"] = round(spent["loop"] / spent["rows"] * 1e6, 2)
    benchmark.extra_info["thread_us_per_row"] = round((spent["all"] - spent["loop"]) / spent["rows"] * 1e6, 2)
    store.close()
