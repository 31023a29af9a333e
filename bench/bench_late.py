"""What a late or repeated callback costs beside an ordinary one: processor time of the whole daemon, in turns.

Sigfox repeats a callback after 1, 2 and 4 minutes, so these are normal. Every second callback of a load is one; what it
costs is twice the load's cost for each callback less that of an ordinary one.

.venv/bin/pytest bench/bench_late.py
"""

from __future__ import annotations

import os
import statistics
from pathlib import Path
from typing import Any

import pytest
from loads import WRK, fill, send
from servers import evd

OWED = 3.0
TURNS = 7
TICKS = os.sysconf("SC_CLK_TCK")


def processor_s(process: int) -> float:
    """Processor time of a process so far, in s."""
    fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@pytest.mark.skipif(not WRK, reason="wrk is not installed")
@pytest.mark.benchmark(group="a late and a repeated callback against an ordinary one")
@pytest.mark.parametrize("again", ["late", "repeated"])
def bench_late(benchmark: Any, tmp_path: Path, again: str) -> None:
    with evd(tmp_path / "evd") as (target, daemon):
        fill(target)
        ratios: list[float] = []

        def cost(kind: str) -> float:
            before = processor_s(daemon.process.pid)
            load = send(target, seconds=3, again=kind)
            return (processor_s(daemon.process.pid) - before) / load.taken

        def turn() -> None:
            ordinary = cost("")
            ratios.append((2 * cost(again) - ordinary) / ordinary)

        benchmark.pedantic(turn, rounds=TURNS)
        ratio = statistics.median(ratios)
        benchmark.extra_info["ratio"] = round(ratio, 2)
    assert ratio <= OWED, f"a {again} callback costs {ratio:.2f} × an ordinary one"
