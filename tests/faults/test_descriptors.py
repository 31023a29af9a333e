"""All descriptors are taken by idle connections: the writer has its own, the log stays short, and it passes."""

from __future__ import annotations

import resource
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
from daemon_process import init, running_daemon
from fault_load import load_of
from ledger import breaches, new_ledger, stored

DESCRIPTORS = 64
IDLE = 200
FLOOD_S = 5.0
LINES_MAX = 12
AGAIN_S = 6.0


def test_used_up_descriptors_lose_nothing_and_pass(tmp_path: Path) -> None:
    keys = init(tmp_path / "evd")
    with (
        running_daemon(tmp_path / "evd", keys=keys) as daemon,
        new_ledger() as ledger,
        load_of(ledger, keys) as load,
    ):
        load.aim(daemon.url)
        load.wait_for_acks(50)
        _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))
        before = len(daemon.logs.lines)
        with ExitStack() as flood:
            for _ in range(IDLE):
                flood.enter_context(socket.create_connection(("127.0.0.1", int(daemon.url.rpartition(":")[2]))))
            load.wait_for_acks(20)  # on the connections that were there before
            time.sleep(FLOOD_S)
            assert len(daemon.logs.lines) - before <= LINES_MAX
        ended = time.monotonic()
        assert httpx.get(f"{daemon.url}/healthz", timeout=AGAIN_S).status_code == 200
        assert time.monotonic() - ended < AGAIN_S
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
        load.wait_for_acks(50)
        load.rest()
        assert breaches(ledger.entries(), stored(daemon.database), 1000) == []
