"""A cloud disk: every sync takes 3 ms more, 256 connections, against the same daemon on the disk as it is.

    .venv/bin/pytest bench/bench_slow_sync.py

Owed: 0.6 × of the unslowed rate, aimed at: 0.8 ×. The slow disk is slow_sync.c, compiled here and put before libc.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from loads import fill, in_turns, median, ratio, row, send
from owed import Owed, require
from servers import HERE, evd

CONNECTIONS = 256
SLOW_MS = 3.0
CC = shutil.which("gcc") or shutil.which("cc")


@pytest.mark.benchmark(group="slow disk")
@pytest.mark.skipif(CC is None, reason="the slow disk is compiled: apt-get install gcc")
def bench_slow_sync(benchmark: Any, tmp_path: Path, tell: Any, seconds: int, turns: int) -> None:
    assert CC is not None
    shim = tmp_path / "slow_sync.so"
    subprocess.run([CC, "-O2", "-shared", "-fPIC", "-o", str(shim), str(HERE / "slow_sync.c")], check=True)
    slowness = {"LD_PRELOAD": str(shim), "SLOW_SYNC_US": str(round(SLOW_MS * 1000))}
    with evd(tmp_path / "slow", env=slowness) as (slow, _), evd(tmp_path / "quick") as (quick, _):
        alone = send(slow, connections=1, seconds=1)
        assert alone.p50_ms > SLOW_MS, f"the shim has no hold on evd's syncs: a callback took {alone.p50_ms} ms"
        fill(slow)
        fill(quick)
        senders = {
            f"syncs + {SLOW_MS:g} ms": partial(send, slow, connections=CONNECTIONS, seconds=seconds),
            "as it is": partial(send, quick, connections=CONNECTIONS, seconds=seconds),
        }
        told = in_turns(senders, turns=turns, benchmark=benchmark)
    slowed, unslowed = told.values()
    title = f"a slow disk, {CONNECTIONS} connections"
    for disk, loads in told.items():
        ours = {"ratio": ratio(slowed, unslowed)} if loads is slowed else {}
        tell(title, {"disk": disk, **row(median(loads)), **ours})
    assert all(load.refused == load.broken == 0 for load in slowed)
    require(Owed(f"callbacks where a sync takes {SLOW_MS:g} ms more", ratio(slowed, unslowed), 0.6, 0.8))
