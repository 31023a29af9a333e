"""Messages in batches of 100 lines (`/sigfox/batch`) against one message a request; issue 4 owes twice as many.

.venv/bin/pytest bench/bench_batch.py
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from loads import WRK, fill, in_turns, median, ratio, row, send
from servers import evd

LINES = 100
CONNECTIONS = 64
OWED = 2.0


@pytest.mark.skipif(WRK is None, reason="batches need wrk: apt-get install wrk")
@pytest.mark.benchmark(group="batch")
def bench_batches(benchmark: Any, tmp_path: Path, tell: Any, seconds: int, turns: int) -> None:
    with evd(tmp_path / "evd") as (target, _):
        fill(target)
        ways = {
            "one a request": partial(send, target, seconds=seconds),
            f"batches of {LINES}": partial(send, target, connections=CONNECTIONS, lines=LINES, seconds=seconds),
        }
        told = in_turns(ways, turns=turns, benchmark=benchmark)
    single, batched = told.values()
    for name, loads in told.items():
        tell("messages in batches", {"way": name, **row(median(loads)), "ratio": round(ratio(loads, single), 2)})
    assert ratio(batched, single) >= OWED
    assert median(batched).refused == median(batched).broken == 0
