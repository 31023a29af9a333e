"""Resident memory under a minute of full load from 256 connections: how much, and whether it is flat.

    .venv/bin/pytest bench/bench_memory.py

Owed: 120 MiB, flat; aimed at: 80 MiB. Flat means that the second half of the minute adds 5 % at most.
"""

from __future__ import annotations

import statistics
import threading
from pathlib import Path
from typing import Any

import pytest
from loads import fill, row, send
from owed import Owed, require
from servers import evd

CONNECTIONS = 256
EVERY_S = 0.5


def resident_mib(process: int) -> float:
    """VmRSS of a process and its children, from /proc."""
    own = 0.0
    for line in Path(f"/proc/{process}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            own = int(line.split()[1]) / 1024
    children = Path(f"/proc/{process}/task/{process}/children").read_text("utf-8").split()
    return own + sum(resident_mib(int(child)) for child in children)


class Watch:
    """Looks at a process again and again while the context lasts."""

    def __init__(self, process: int) -> None:
        self.samples: list[float] = []
        self._process = process
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._ended.wait(EVERY_S):
            self.samples.append(resident_mib(self._process))

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


@pytest.mark.benchmark(group="memory")
def bench_resident(benchmark: Any, tmp_path: Path, tell: Any, pytestconfig: pytest.Config) -> None:
    seconds = int(pytestconfig.getoption("--soak-seconds"))
    with evd(tmp_path / "evd") as (target, daemon):
        started = resident_mib(daemon.process.pid)
        fill(target)
        with Watch(daemon.process.pid) as watch:
            load = benchmark.pedantic(send, (target,), {"connections": CONNECTIONS, "seconds": seconds})
    quarter = len(watch.samples) // 4
    middle = statistics.median(watch.samples[quarter : 2 * quarter])
    end = statistics.median(watch.samples[-quarter:])
    told = {
        "seconds": seconds,
        "at the start MiB": round(started, 1),
        "second quarter MiB": round(middle, 1),
        "last quarter MiB": round(end, 1),
        "highest MiB": round(max(watch.samples), 1),
        **row(load),
    }
    benchmark.extra_info["told"] = {**told, "samples_mib": [round(sample, 1) for sample in watch.samples]}
    tell(f"resident memory, {CONNECTIONS} connections", told)
    require(
        Owed("the highest resident memory", max(watch.samples), 120, 80, unit="MiB", at_least=False),
        Owed("the last quarter's memory against the second's", end / middle, 1.05, at_least=False),
    )
