"""Open consoles: what 50 live streams of all vehicles cost ingest, against none, in turns on one daemon.

    .venv/bin/pytest bench/bench_consoles.py

Owed: 0.95 × of the callbacks that are taken without them. The streams are an administrator's, as the fleet's page opens
them, and are read by a process of its own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from bench_late import processor_s
from loads import CONNECTIONS, HERE, Load, Target, fill, in_turns, median, ratio, row, send
from owed import Owed, require
from servers import evd

CONSOLES = 50
SETTINGS = {"EVD_APP__STREAMS_PER_USER": str(CONSOLES)}


@contextmanager
def consoles(target: Target, key: str, said: list[dict[str, int]]) -> Iterator[None]:
    """They are open in the block; `said` gets what came to them."""
    host, _, port = target.url.removeprefix("http://").rpartition(":")
    command = [sys.executable, str(HERE / "console_streams.py"), host, port, key, str(CONSOLES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "open\n"
        yield
        process.stdin.close()
        said.append(json.loads(process.stdout.readline()))


def watched(target: Target, key: str, said: list[dict[str, int]], load: Callable[[], Load]) -> Load:
    with consoles(target, key, said):
        return load()


def costing(process: int, costs_us: list[float], load: Callable[[], Load]) -> Load:
    """`costs_us` gets the daemon's processor time for each callback of the load."""
    before = processor_s(process)
    done = load()
    costs_us.append((processor_s(process) - before) / done.taken * 1e6)
    return done


@pytest.mark.benchmark(group="consoles")
def bench_open_consoles(benchmark: Any, tmp_path: Path, tell: Any, seconds: int, turns: int) -> None:
    said: list[dict[str, int]] = []
    with evd(tmp_path / "evd", env=SETTINGS) as (target, daemon):
        fill(target)
        load = partial(send, target, seconds=seconds)
        costs_us: dict[str, list[float]] = {f"{CONSOLES} consoles": [], "none": []}
        costed = [partial(costing, daemon.process.pid, costs, load) for costs in costs_us.values()]
        opened = partial(watched, target, daemon.keys["admin"], said, costed[0])  # their opening is no part of the load
        senders = dict(zip(costs_us, (opened, costed[1]), strict=True))
        told = in_turns(senders, turns=turns, benchmark=benchmark)
    with_them, without = told.values()
    for name, loads in told.items():
        ours: dict[str, Any] = {"processor µs": statistics.median(costs_us[name])}
        ours |= {"ratio": ratio(with_them, without)} if loads is with_them else {}
        if loads is with_them:
            ours |= {"MB/s": sum(one["bytes"] for one in said) / 1e6 / seconds / turns}
            ours |= {"ended": sum(one["ended"] for one in said)}
        tell(f"open consoles, {CONNECTIONS} connections", {"open": name, **row(median(loads)), **ours})
    assert all(load.refused == load.broken == 0 for load in with_them)
    assert all(one["bytes"] for one in said), "what is taken comes to the consoles"
    require(Owed(f"callbacks while {CONSOLES} consoles are open", ratio(with_them, without), 0.95, 0.98))
