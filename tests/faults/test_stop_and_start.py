"""SIGTERM under load, and restarts behind a socket that stays open: each request has its answer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from daemon_process import READY_S, STOP_S, Lines, clean_env, init, running_daemon
from fault_load import load_of
from ledger import breaches, new_ledger, stored

RING = 50
STOPS = 50 if "NIGHTLY" in os.environ else 4
RESTARTS = 24 if "NIGHTLY" in os.environ else 3
EVERY_S = 5.0 if "NIGHTLY" in os.environ else 1.0
IDLE, SLOW = 50, 20
ENDS_S = 10.0
ANSWER_S = 10.0
"""Sigfox's limit for an answer."""
SETTINGS = {"EVD_RETENTION__STATUSES_PER_VEHICLE": str(RING)}


def test_sigterm_under_load_ends_in_time_and_loses_nothing(tmp_path: Path) -> None:
    keys = init(tmp_path / "evd")
    with new_ledger() as ledger, load_of(ledger, keys) as load:
        for _ in range(STOPS):
            with running_daemon(tmp_path / "evd", keys=keys, env=SETTINGS) as daemon, ExitStack() as others:
                address = "127.0.0.1", int(daemon.url.rpartition(":")[2])
                for number in range(IDLE + SLOW):
                    connection = others.enter_context(socket.create_connection(address))
                    if number < SLOW:  # a body that does not come
                        connection.sendall(b"POST /sigfox/uplink HTTP/1.1\r\nHost: evd\r\nContent-Length: 90\r\n\r\n{")
                load.aim(daemon.url)
                load.wait_for_acks(50)
                begun = time.monotonic()
                daemon.stop(signal.SIGTERM)
                assert time.monotonic() - begun < ENDS_S
            load.rest()
            assert breaches(ledger.entries(), stored(daemon.database), RING) == []


@contextmanager
def started(directory: Path, listener: socket.socket) -> Iterator[subprocess.Popen[str]]:
    """evd behind a socket that it inherits, as systemd starts it."""
    code = (
        "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()));"
        "sys.argv[1:2] = []; from evd.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(listener.fileno()), "serve", "--dir", str(directory)],
        env=clean_env(SETTINGS),
        pass_fds=[listener.fileno()],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    logs = Lines(process.stderr)
    try:
        assert logs.wait_for('"event": "ready"', READY_S), str(logs)
        yield process
    finally:
        process.terminate()
        assert process.wait(STOP_S) == 0, str(logs)
        logs.close()


def test_a_restart_refuses_nobody(tmp_path: Path) -> None:
    keys = init(tmp_path / "evd")
    with (
        socket.create_server(("127.0.0.1", 0), backlog=512) as listener,
        new_ledger() as ledger,
        load_of(ledger, keys) as load,
    ):
        load.aim(f"http://127.0.0.1:{listener.getsockname()[1]}")
        for _ in range(RESTARTS):
            with started(tmp_path / "evd", listener):
                load.wait_for_acks(20)
                time.sleep(EVERY_S)
        with started(tmp_path / "evd", listener):
            load.wait_for_acks(20)
            load.rest()
        assert not [answer for answer in load.answers if answer.refused]
        assert max(answer.seconds for answer in load.answers) < ANSWER_S
        assert breaches(ledger.entries(), stored(tmp_path / "evd" / "evd.db"), RING) == []
    print(f"{RESTARTS} restarts, {len(load.answers)} answers, {len(load.answers) - load.count(201)} of them no 201")
