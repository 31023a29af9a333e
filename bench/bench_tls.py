"""TLS (ECDSA P-256): what it costs on kept-alive connections, and what a new connection for each callback costs.

    .venv/bin/pytest bench/bench_tls.py

Kept alive, evd over TLS stands against evd over plain TCP: owed 0.5 ×, aimed at 0.6 ×. With a new connection each time
it stands against one nginx worker that answers an empty 201 over new TLS connections: owed 0.3 ×, aimed at 0.5 ×.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from loads import CONNECTIONS, WRK, Load, fill, in_turns, median, ratio, row, send
from owed import Owed, require
from servers import NGINX, evd, make_certificate, nginx

pytestmark = pytest.mark.skipif(WRK is None, reason="TLS is loaded by wrk: apt-get install wrk")


def tell_pair(tell: Any, title: str, told: dict[str, list[Load]]) -> None:
    first, second = told.values()
    for name, loads in told.items():
        ours = {"ratio": ratio(first, second)} if loads is first else {}
        tell(title, {"server": name, **row(median(loads)), **ours})


@pytest.mark.benchmark(group="TLS")
def bench_kept_alive(benchmark: Any, tmp_path: Path, tell: Any, seconds: int, turns: int) -> None:
    certificate = make_certificate(tmp_path)
    with evd(tmp_path / "tls", certificate=certificate) as (tls, _), evd(tmp_path / "plain") as (plain, _):
        fill(tls)
        fill(plain)
        senders = {"evd, TLS": partial(send, tls, seconds=seconds), "evd, plain": partial(send, plain, seconds=seconds)}
        told = in_turns(senders, turns=turns, benchmark=benchmark)
    tell_pair(tell, f"TLS, {CONNECTIONS} connections kept alive", told)
    assert all(load.refused == load.broken == 0 for load in told["evd, TLS"])
    require(Owed("callbacks over TLS against plain", ratio(*told.values()), 0.5, 0.6))


@pytest.mark.benchmark(group="TLS")
@pytest.mark.skipif(
    NGINX is None, reason="nginx is what new connections are compared with: apt-get install nginx-light"
)
def bench_new_connections(benchmark: Any, tmp_path: Path, tell: Any, seconds: int, turns: int) -> None:
    certificate = make_certificate(tmp_path)
    with evd(tmp_path / "evd", certificate=certificate) as (ours, _), nginx(tmp_path, certificate=certificate) as empty:
        fill(ours)
        senders = {
            "evd, on disk": partial(send, ours, seconds=seconds, close=True),
            "nginx, empty 201": partial(send, empty, seconds=seconds, close=True),
        }
        told = in_turns(senders, turns=turns, benchmark=benchmark)
    tell_pair(tell, f"a new TLS connection for each callback, {CONNECTIONS} at a time", told)
    assert all(load.refused == load.broken == 0 for load in told["evd, on disk"])
    require(Owed("new TLS connections against nginx's empty 201", ratio(*told.values()), 0.3, 0.5))
