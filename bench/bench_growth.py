"""Growth: 10 million rows on disk against 10,000, 100,000 vehicles against 1,000, and start to ready of each.

    make bench-growth
    .venv/bin/pytest bench/bench_growth.py -s --rows 100000 --vehicles 5000     a look, in a minute

Both daemons of a pair run at once and are loaded in turns, their rings full and turning. Rows: 1,000 vehicles with long
rings against 1,000 with short ones; owed 0.8 × and ready in 2 s, aimed at 0.95 × and 1 s. Vehicles: rings of 20; owed
0.5 ×, aimed at 0.8 ×. What is not kept fails. The ten million rows take some minutes and 5 GB of the
temporary folder (`--basetemp` moves it).
"""

from __future__ import annotations

import shutil
import statistics
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from filling import make_full
from loads import RING, VEHICLES, in_turns, median, ratio, row, send
from owed import Owed, require
from servers import evd

SMALL_ROWS = 10_000
STARTS = 3


@dataclass(frozen=True)
class Size:
    """What a file holds: full rings."""

    vehicles: int
    ring: int

    def __str__(self) -> str:
        return f"{self.vehicles:,} vehicles × {self.ring:,}"


def ready_s(directory: Path, size: Size, keys: dict[str, str]) -> float:
    """From the start of `evd serve` to its READY."""
    start = time.perf_counter()
    with evd(directory, ring=size.ring, keys=keys):
        return time.perf_counter() - start


def compare(
    benchmark: Any, tmp_path: Path, tell: Any, seconds: int, turns: int, large: Size, small: Size
) -> tuple[float, float]:
    """The large one's callbacks a second against the small one's, and how long its start takes, s."""
    places = {size: tmp_path / f"{size.vehicles}x{size.ring}" for size in (large, small)}
    keys = {size: make_full(place, vehicles=size.vehicles, ring=size.ring) for size, place in places.items()}
    starts: dict[Size, list[float]] = {large: [], small: []}
    for _ in range(STARTS):
        for size, place in places.items():
            starts[size].append(ready_s(place, size, keys[size]))
    with (
        evd(places[large], ring=large.ring, keys=keys[large]) as (much, _),
        evd(places[small], ring=small.ring, keys=keys[small]) as (little, _),
    ):
        senders = {
            str(large): partial(send, much, seconds=seconds, vehicles=large.vehicles),
            str(small): partial(send, little, seconds=seconds, vehicles=small.vehicles),
        }
        for warm in senders.values():
            warm()
        told = in_turns(senders, turns=turns, benchmark=benchmark)
    for size in (large, small):
        loads = told[str(size)]
        ready = statistics.median(starts[size])
        file_mib = (places[size] / "evd.db").stat().st_size >> 20
        ours = {"ratio": ratio(loads, told[str(small)])} if size is large else {}
        told_row = {
            "on disk": str(size),
            "file MiB": file_mib,
            "ready s": round(ready, 2),
            **row(median(loads)),
            **ours,
        }
        tell("growth: full rings, 64 connections", told_row)
        benchmark.extra_info[f"ready_s, {size}"] = ready
        assert all(load.refused == load.broken == 0 for load in loads)
    for place in places.values():
        shutil.rmtree(place)
    return ratio(told[str(large)], told[str(small)]), statistics.median(starts[large])


@pytest.mark.benchmark(group="growth")
def bench_rows(
    benchmark: Any, tmp_path: Path, tell: Any, seconds: int, turns: int, pytestconfig: pytest.Config
) -> None:
    rows = int(pytestconfig.getoption("--rows"))
    large, small = Size(VEHICLES, rows // VEHICLES), Size(VEHICLES, SMALL_ROWS // VEHICLES)
    times, ready = compare(benchmark, tmp_path, tell, seconds, turns, large, small)
    require(
        Owed(f"{large} against {small}", times, 0.8, 0.95),
        Owed(f"{large}: start to ready", ready, 2, 1, unit="s", at_least=False),
    )


@pytest.mark.benchmark(group="growth")
def bench_vehicles(
    benchmark: Any, tmp_path: Path, tell: Any, seconds: int, turns: int, pytestconfig: pytest.Config
) -> None:
    large, small = Size(int(pytestconfig.getoption("--vehicles")), RING), Size(VEHICLES, RING)
    times, _ = compare(benchmark, tmp_path, tell, seconds, turns, large, small)
    require(Owed(f"{large} against {small}", times, 0.5, 0.8))
