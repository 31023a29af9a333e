"""More than can be written: a bounded queue, 503 at once above it, and nothing acknowledged that is not on disk.

`BURST=CALLBACKSxCONNECTIONS` makes the burst larger: `make burst` sends 100,000 over 1,000 connections.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from daemon_process import RunningDaemon, running_daemon
from overload_burst import burst_of_its_own, callback
from raw_http import Client, connect

from evd.store.sqlite.sqlite_library import sqlite3

QUEUE = 16
BURST = os.environ.get("BURST", "10000x200")

HOLD = """
import sys
from evd.store.sqlite.sqlite_library import sqlite3
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""


@contextmanager
def nothing_can_be_written(database: Path) -> Iterator[None]:
    """Meanwhile another process holds the database's write lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "held\n"
            yield
            process.stdin.close()
            assert process.wait(10) == 0
        finally:
            process.kill()


def port_of(daemon: RunningDaemon) -> int:
    return int(daemon.url.rpartition(":")[2])


def limited(rows: int) -> dict[str, str]:
    return {"EVD_INGEST__QUEUE_ROWS_MAX": str(rows), "EVD_INGEST__BATCH_ROWS_MAX": str(rows)}


def on_disk(database: Path) -> set[str]:
    """The ids of all statuses that survived; their log is recovered first, as evd would at its start."""
    connection = sqlite3.connect(database)
    try:
        return {status_id for (status_id,) in connection.execute("SELECT id FROM ring")}
    finally:
        connection.close()


async def fill(port: int, key: str, clients: list[Client]) -> None:
    """More callbacks than the queue and a group of the writer's hold, each on a connection of its own."""
    for number in range(3 * QUEUE):
        clients.append(await connect(port))
        await clients[-1].send(callback(number, key))


@pytest.mark.parametrize("again", [False, True], ids=["on fresh connections", "on a kept one"])
async def test_above_a_full_queue_503_comes_at_once_and_what_was_accepted_is_answered(
    tmp_path: Path, again: bool
) -> None:
    with running_daemon(tmp_path / "evd", env=limited(QUEUE)) as daemon:
        port, key = port_of(daemon), daemon.keys["sigfox"]
        filling: list[Client] = []
        took_ms = []
        with nothing_can_be_written(daemon.database):
            began = time.monotonic()
            await fill(port, key, filling)
            client = await connect(port)
            for number in range(20):
                start = time.monotonic()
                await client.send(callback(1000 + number, key))
                answer = await client.read()
                took_ms.append((time.monotonic() - start) * 1000)
                assert answer.status == 503
                assert int(answer.headers["retry-after"]) > 0
                if not again:
                    await trio.aclose_forcefully(client.stream)
                    client = await connect(port)
            await trio.aclose_forcefully(client.stream)
        statuses = []
        for client in filling:
            async with client:
                statuses.append((await client.read()).status)
        assert time.monotonic() - began < 8
    # The median: a pause of the machine is none of evd's.
    assert statistics.median(took_ms) < 50, took_ms
    assert QUEUE <= statuses.count(201) <= 2 * QUEUE
    assert statuses.count(503) == len(statuses) - statuses.count(201)


def test_a_burst_over_many_connections_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    callbacks, connections = map(int, BURST.split("x"))
    with running_daemon(tmp_path / "evd", env=limited(connections // 4)) as daemon:
        done = burst_of_its_own(port_of(daemon), daemon.keys["sigfox"], callbacks, connections)
        daemon.stop(signal.SIGKILL, exit_code=None)
    print(
        f"\n{callbacks} callbacks over {connections} connections in {done.lasted_s:.1f} s: {done.statuses}, "
        f"{done.closed} closed; slowest 201 {done.slowest_201_ms:.0f} ms, 503 {done.slowest_503_ms:.0f} ms"
    )
    assert sum(done.statuses.values()) + done.closed == callbacks
    assert done.statuses.keys() == {"201", "503"}, "the queue filled, and nothing else went wrong"
    assert len(set(done.ids)) == done.statuses["201"], "each status has an id of its own"
    assert set(done.ids) <= on_disk(daemon.database)
    assert done.slowest_201_ms < 8000
