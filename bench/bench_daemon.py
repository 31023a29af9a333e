"""The whole daemon: callbacks a second, each answered after it is on disk, over 1, 64 and 256 connections.

    .venv/bin/pytest bench/bench_daemon.py

The rings are full and turning: 1,000 vehicles × 20 statuses. For evd beside its peers see peers.py.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from loads import fill, in_turns, median, row, send
from servers import evd


@pytest.mark.benchmark(group="daemon")
@pytest.mark.parametrize("connections", [1, 64, 256])
def bench_callbacks(benchmark: Any, tmp_path: Path, tell: Any, seconds: int, turns: int, connections: int) -> None:
    with evd(tmp_path / "evd") as (target, _):
        fill(target)
        told = in_turns(
            {"evd": partial(send, target, connections=connections, seconds=seconds)}, turns=turns, benchmark=benchmark
        )
    load = median(told["evd"])
    tell("the whole daemon: callbacks answered after the commit", {"connections": connections, **row(load)})
    assert load.refused == load.broken == 0
