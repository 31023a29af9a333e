"""Loads of callbacks, each from a process of its own, so that it shares no GIL with what it measures.

wrk sends them where it is installed (`callbacks.lua`), else `load.py`, for kept-alive connections without TLS. Machines
drift, so servers are loaded in turns, and a ratio is that of one turn.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WRK = shutil.which("wrk")
SENDER = "wrk" if WRK else "load.py, for wrk is not installed: compare them with its own figures only"
CONNECTIONS = 64
VEHICLES = 1_000
RING = 20

#: s; each load starts where none before it can have ended, for an older status would not be the newest of its vehicle.
FIRST_TIMES = itertools.count(1_600_000_000, 100_000)
GRACE_S = 30.0


@dataclass(frozen=True)
class Target:
    """A server that takes callbacks: its base URL, and the key it knows."""

    url: str
    key: str


@dataclass(frozen=True)
class Load:
    """What came of a load: answers of 2xx and others, broken connections, 2xx a second, latency of all answers."""

    taken: float
    refused: float
    broken: float
    per_s: float
    p50_ms: float
    p99_ms: float
    p999_ms: float


def send(
    target: Target,
    *,
    connections: int = CONNECTIONS,
    seconds: int = 3,
    vehicles: int = VEHICLES,
    close: bool = False,
    lines: int = 0,
    again: str = "",
    pause_ms: float = 0.0,
) -> Load:
    """Load a server; with `close` each callback has a connection of its own, with `lines` they come in such batches.

    With `again` every second callback is "repeated", or "late" behind the one before it; with `pause_ms` a connection
    rests for so long, in the mean, after each answer. Raises ValueError where wrk is needed.
    """
    first_time = next(FIRST_TIMES)
    if WRK:
        env = {"KEY": target.key, "VEHICLES": str(vehicles), "FIRST_TIME": str(first_time)}
        if close:
            env["CLOSE"] = "1"
        if lines:
            env["LINES"] = str(lines)
        if again:
            env["AGAIN"] = again
        if pause_ms:
            env["PAUSE_MS"] = str(pause_ms)
        command = [WRK, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / "callbacks.lua"), target.url]
    else:
        scheme, _, address = target.url.partition("://")
        if scheme != "http" or close or lines or again or pause_ms:
            raise ValueError("TLS, new connections, batches, repeats and pauses need wrk: apt-get install wrk")
        host, _, port = address.rpartition(":")
        env = {"KEY": target.key}
        command = [sys.executable, str(HERE / "load.py"), host, port, "--connections", str(connections)]
        command += ["--seconds", str(seconds), "--vehicles", str(vehicles), "--first-time", str(first_time)]
    ended = subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, check=True, timeout=seconds + GRACE_S
    )
    return Load(**json.loads(ended.stdout.splitlines()[-1]))


def fill(target: Target, *, vehicles: int = VEHICLES, ring: int = RING, seconds: int = 2) -> None:
    """Send what the rings hold and a fifth more, so that a load finds them full and turning; in loads of `seconds`."""
    sent = 0.0
    while sent < 1.2 * vehicles * ring:
        load = send(target, seconds=seconds, vehicles=vehicles)
        if not load.taken:
            raise RuntimeError(f"{target.url} takes no callback: {load}")
        sent += load.taken


Loads = Sequence[Load]


def median(loads: Loads) -> Load:
    """Each figure's own median."""
    return Load(
        **{field.name: statistics.median(getattr(load, field.name) for load in loads) for field in fields(Load)}
    )


def ratio(these: Loads, those: Loads) -> float:
    """Callbacks a second against those of the same turn; the median of the turns."""
    return statistics.median(this.per_s / that.per_s for this, that in zip(these, those, strict=True))


def in_turns(senders: Mapping[str, Callable[[], Load]], *, turns: int, benchmark: Any = None) -> dict[str, list[Load]]:
    """Load one server after the other, `turns` times; pytest-benchmark's JSON gets the medians as extra_info."""
    told: dict[str, list[Load]] = {name: [] for name in senders}

    def turn() -> None:
        for name, sender in senders.items():
            told[name].append(sender())

    if benchmark is None:
        for _ in range(turns):
            turn()
        return told
    benchmark.pedantic(turn, rounds=turns)
    benchmark.extra_info["sender"] = SENDER
    benchmark.extra_info["told"] = {name: asdict(median(loads)) for name, loads in told.items()}
    return told


def row(load: Load) -> dict[str, Any]:
    """A load as cells of a table."""
    return {
        "callbacks/s": round(load.per_s),
        "p50 ms": round(load.p50_ms, 2),
        "p99 ms": round(load.p99_ms, 2),
        "not 201": round(load.refused + load.broken),
    }
