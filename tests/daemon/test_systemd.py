"""What systemd sees of evd: a manager that does not listen, and a start with a long log (S02 of the field's cases)."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import httpx
import pytest
from daemon_process import RunningDaemon, running_daemon
from daemon_statuses import stored
from service_manager import NIGHTLY, notified

from evd.daemon.systemd import ServiceManager
from evd.store.sqlite.connection import open_reader

LOG_MIB = 1024 if NIGHTLY else 20
BATCH_LINES = 5_000


def test_a_manager_that_does_not_listen_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with notified(tmp_path):
        manager = ServiceManager()
        for _ in range(1000):  # more than the socket holds
            manager.status("x" * 100)
    manager.ready()
    manager.alive()
    manager.close()


SCATTER = 2_654_435_761
"""Numbers times this one, modulo 2**32, are far from each other, and so are their pages (Knuth, 6.4)."""


def fill_log(daemon: RunningDaemon) -> int:
    """Until the log is LOG_MIB long; how many statuses were acknowledged."""
    sent = 0
    with httpx.Client(timeout=60) as client:
        while daemon.database.with_name("evd.db-wal").stat().st_size < LOG_MIB << 20:
            devices = [number * SCATTER % 2**32 for number in range(sent, sent + BATCH_LINES)]
            lines = [f"{device:X};1639400000;130a4c0f;1;" for device in devices]
            answer = client.post(
                f"{daemon.url}/sigfox/batch",
                content="\n".join(lines),
                headers={"x-api-key": daemon.keys["sigfox"], "content-type": "text/plain"},
            )
            assert answer.status_code == 201, answer.text
            sent += len(lines)
    return sent


def test_a_long_log_is_recovered_at_the_start_and_cut(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        pinned = open_reader(daemon.database)
        pinned.execute("BEGIN")
        pinned.execute("SELECT count(*) FROM statuses").fetchone()
        sent = fill_log(daemon)
        daemon.stop(signal.SIGKILL, exit_code=-9)
        pinned.close()
    begun = time.monotonic()
    with running_daemon(tmp_path / "evd", keys=daemon.keys) as again:
        assert time.monotonic() - begun < 30
        assert again.database.with_name("evd.db-wal").stat().st_size < 64 << 20
        assert len(stored(again)) == sent
        again.event("the previous evd was killed, or the machine went down")
