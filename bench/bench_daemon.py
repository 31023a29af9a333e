"""The whole daemon: callbacks a second, each answered after it is on disk, from a load in a process of its own.

    .venv/bin/pytest bench/bench_daemon.py

One round is a load of SECONDS; its rate and latencies stand in the JSON's extra_info. For evd beside its peers there is
`compare` in the project's shared folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from daemon_process import running_daemon  # noqa: E402

SECONDS = 3
FIRST_TIME = 1_600_000_000


@pytest.mark.benchmark(group=f"daemon: {SECONDS} s of callbacks")
@pytest.mark.parametrize("connections", [1, 64, 256])
def bench_callbacks(benchmark: Any, tmp_path: Path, rates: dict[int, dict[str, float]], connections: int) -> None:
    rounds: list[dict[str, float]] = []
    env = {"EVD_RETENTION__STATUSES_PER_VEHICLE": "20"}
    with running_daemon(tmp_path / "evd", env=env) as daemon:
        host, _, port = daemon.url.removeprefix("http://").rpartition(":")

        def load() -> None:
            first_time = FIRST_TIME + 1_000_000 * len(rounds)
            command = [sys.executable, str(HERE / "load.py"), host, port, daemon.keys["sigfox"]]
            options = ["--connections", str(connections), "--seconds", str(SECONDS), "--first-time", str(first_time)]
            ended = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
            rounds.append(json.loads(ended.stdout))

        benchmark.pedantic(load, rounds=3, warmup_rounds=1)
    median = sorted(rounds[1:], key=lambda one: one["per_s"])[len(rounds[1:]) // 2]
    benchmark.extra_info.update(median)
    rates[connections] = median
    assert median["refused"] == 0
