"""One callback at a time on an idle server: how long it takes, beside the fdatasync that it has to wait for.

    .venv/bin/pytest bench/bench_idle.py

A callback and a bare fdatasync (one page of a file that has its size already, on the same filesystem) take turns.
Owed: p50 of the callback ≤ 1.5 × p50 of the fdatasync + 0.7 ms; aimed at: + 0.3 ms.
"""

from __future__ import annotations

import os
import socket
import statistics
import time
from pathlib import Path
from typing import Any

import pytest
from owed import Owed, require
from servers import evd

CALLBACKS = 300
REST_S = 0.01  # long enough for the daemon to be idle again
PAGE = 4096
PAGES = 64
FIRST_TIME = 1_600_000_000


def synced_ms(file: int, number: int) -> float:
    """Write a page; how long its fdatasync takes."""
    os.pwrite(file, os.urandom(PAGE), number % PAGES * PAGE)
    start = time.perf_counter()
    os.fdatasync(file)
    return (time.perf_counter() - start) * 1000


def answered_ms(connection: socket.socket, key: str, number: int) -> float:
    """Send a callback, in one packet; how long its 201 takes."""
    data = f"{0x130A4C0F + number:08x}594e427e4bb45088"
    body = f'{{"device":"386625","time":{FIRST_TIME + number},"data":"{data}","seqNumber":{number}}}'
    head = f"POST /sigfox/uplink HTTP/1.1\r\nHost: evd\r\nx-api-key: {key}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    start = time.perf_counter()
    connection.sendall(request)
    answer = connection.recv(65536)
    took = (time.perf_counter() - start) * 1000
    assert answer.startswith(b"HTTP/1.1 201"), answer
    return took


@pytest.mark.benchmark(group="idle")
def bench_one_at_a_time(benchmark: Any, tmp_path: Path, tell: Any) -> None:
    syncs: list[float] = []
    callbacks: list[float] = []
    file = os.open(tmp_path / "page", os.O_RDWR | os.O_CREAT)
    os.pwrite(file, bytes(PAGE * PAGES), 0)
    os.fsync(file)

    with evd(tmp_path / "evd") as (target, _):
        host, _, port = target.url.removeprefix("http://").rpartition(":")
        connection = socket.create_connection((host, int(port)), timeout=10)

        def turn() -> None:
            number = len(callbacks)
            syncs.append(synced_ms(file, number))
            time.sleep(REST_S)
            callbacks.append(answered_ms(connection, target.key, number))
            time.sleep(REST_S)

        benchmark.pedantic(turn, rounds=CALLBACKS, warmup_rounds=10)
        connection.close()
    os.close(file)
    sync, callback = statistics.median(syncs), statistics.median(callbacks)
    told = {
        "callback p50 ms": round(callback, 3),
        "callback p99 ms": round(statistics.quantiles(callbacks, n=100)[98], 3),
        "fdatasync p50 ms": round(sync, 3),
        "owed p50 ms": round(1.5 * sync + 0.7, 3),
        "aimed at p50 ms": round(1.5 * sync + 0.3, 3),
    }
    benchmark.extra_info["told"] = told
    tell("one callback at a time on an idle server", told)
    require(Owed("p50 of a lone callback", callback, told["owed p50 ms"], unit="ms", at_least=False))
