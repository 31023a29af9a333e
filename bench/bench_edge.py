"""The edge alone: HTTP read strictly and an empty 201, without key, decoding and disk.

    .venv/bin/pytest bench/bench_edge.py

Beside it stand a bare trio echo, which reads no HTTP at all, and one nginx worker, where nginx is installed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from loads import CONNECTIONS, Target, in_turns, median, ratio, row, send
from servers import HERE, NGINX, free_port, nginx, running


@contextmanager
def python_server(name: str, directory: Path) -> Iterator[Target]:
    """A server of edge_server.py."""
    port = free_port()
    with running([sys.executable, str(HERE / "edge_server.py"), name, str(port)], port, directory / f"{name}.log"):
        yield Target(f"http://127.0.0.1:{port}", "any")


@pytest.mark.benchmark(group="edge")
def bench_edge(benchmark: Any, tmp_path: Path, tell: Any, seconds: int, turns: int) -> None:
    with ExitStack() as servers:
        targets = {
            "evd's edge": servers.enter_context(python_server("edge", tmp_path)),
            "bare trio echo": servers.enter_context(python_server("echo", tmp_path)),
        }
        if NGINX:
            targets["nginx, empty 201"] = servers.enter_context(nginx(tmp_path))
        senders = {name: partial(send, target, seconds=seconds) for name, target in targets.items()}
        told = in_turns(senders, turns=turns, benchmark=benchmark)
    ours = told["evd's edge"]
    for name, loads in told.items():
        beside = {} if loads is ours else {"edge is": ratio(ours, loads)}
        tell(f"the edge alone, {CONNECTIONS} connections", {"server": name, **row(median(loads)), **beside})
    assert all(load.refused == load.broken == 0 for load in ours)
