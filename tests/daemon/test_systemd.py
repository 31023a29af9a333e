"""What systemd sees of evd: a start that takes long (S02, S03), and the watchdog (S04 of the field's cases)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from daemon_process import READY_S, STOP_S, RunningDaemon, clean_env, init, running_daemon
from daemon_statuses import post, stored
from folders import SUPPORT

from evd.daemon.previous_exit import ABORTED, previous_exit
from evd.daemon.startup_progress import Progress
from evd.daemon.systemd import ServiceManager
from evd.store.sqlite.connection import APPLICATION_ID, SCHEMA_VERSION, open_reader
from evd.store.sqlite.sqlite_library import sqlite3

#: `make nightly` tries a log of a gibibyte, and a freeze longer than the watchdog's time.
NIGHTLY = "NIGHTLY" in os.environ
LOG_MIB = 1024 if NIGHTLY else 20
FROZEN_S = 35.0 if NIGHTLY else 0.0
BATCH_LINES = 5_000


@contextmanager
def notified(folder: Path) -> Iterator[socket.socket]:
    """The socket that systemd would listen at."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(folder / "notify"))
        notify.settimeout(READY_S)
        yield notify


def schema_4(directory: Path) -> None:
    """A database that an older evd left."""
    (directory / "evd.db").unlink()
    connection = sqlite3.connect(str(directory / "evd.db"))
    connection.executescript((SUPPORT / "schema_4.sql").read_text("utf-8"))
    connection.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 4;")
    connection.close()


#: An upgrade that takes a while, and looks that come often: as evd serve of a large database would be.
SLOWLY = """
import time, evd.daemon.startup_progress, evd.store.sqlite.connection as database
evd.daemon.startup_progress.LOOK_EVERY_S = 0.1
upgrade = database._upgrade
def slowly(connection, version):
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        sum(range(10_000))
    upgrade(connection, version)
database._upgrade = slowly
import evd.cli
evd.cli.main()
"""


def test_a_start_that_takes_long_asks_systemd_for_time_and_is_begun_anew_when_it_is_killed(tmp_path: Path) -> None:
    directory = tmp_path / "evd"
    init(directory)
    schema_4(directory)
    with notified(tmp_path) as notify:
        for killed in (True, False):
            process = subprocess.Popen(
                [sys.executable, "-c", SLOWLY, "serve", "--dir", str(directory), "--bind", "127.0.0.1:0"],
                env=clean_env({"NOTIFY_SOCKET": str(tmp_path / "notify")}),
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            told = notify.recv(4096).decode()
            upgrading = f"upgrading the database from schema 4 to {SCHEMA_VERSION}: "
            assert told.startswith(f"EXTEND_TIMEOUT_USEC=60000000\nSTATUS={upgrading}")
            assert "evd.db-wal" in told
            if not killed:
                while "READY=1" not in told:
                    told = notify.recv(4096).decode()
            process.send_signal(signal.SIGKILL if killed else signal.SIGTERM)
            logs = process.communicate(timeout=STOP_S)[1]
            assert process.returncode == (-9 if killed else 0)
            assert killed or '"event": "evd is still starting"' in logs
    reader = open_reader(directory / "evd.db")
    assert reader.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    reader.close()


def test_time_is_asked_for_only_while_something_is_done() -> None:
    usage = iter([(1.0, 0, 0), (1.0, 0, 0), (1.2, 0, 0), (1.2, 8, 0), (1.2, 8, 0), (1.2, 8, 8), (1.201, 8, 8)])
    progress = Progress(lambda: next(usage))
    assert [progress.made() for _ in range(6)] == [False, True, True, False, True, False]


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


def test_what_the_watchdog_ends_is_reported_at_the_next_start_and_loses_nothing(tmp_path: Path) -> None:
    with notified(tmp_path):
        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"}
        with running_daemon(tmp_path / "evd", env=env, fresh=True) as daemon:
            taken = {post(daemon, number).headers["x-status-id"] for number in range(20)}
            limits = Path(f"/proc/{daemon.process.pid}/limits").read_text()
            assert [line.split()[4] for line in limits.splitlines() if line.startswith("Max core")] == ["0"]
            daemon.process.send_signal(signal.SIGSTOP)
            time.sleep(FROZEN_S)
            daemon.process.send_signal(signal.SIGABRT)  # then SIGCONT: systemd's kill_and_sigcont
            daemon.stop(signal.SIGCONT, exit_code=-signal.SIGABRT)
        with running_daemon(tmp_path / "evd", keys=daemon.keys, env=env) as again:
            told = again.event("systemd's watchdog ended the previous evd, which hung")
            assert "trio" in told["stack"], "where it stood"
            assert taken <= stored(again)
        with running_daemon(tmp_path / "evd", keys=daemon.keys, env=env) as third:
            assert not [line for line in third.logs.lines if "previous evd" in line], "that one ended in order"


@pytest.mark.parametrize(
    ("fault", "left_by", "env", "says"),
    [
        ("", "", {}, None),
        ("", "12", {"WATCHDOG_USEC": "30000000"}, "was killed, or the machine went down"),
        (f"{ABORTED}\n…", "12", {}, "crashed, or was aborted"),
        ("Fatal Python error: Segmentation fault", "12", {"WATCHDOG_USEC": "1"}, "crashed, or was aborted"),
        (f"{ABORTED}\n…", "12", {"WATCHDOG_USEC": "1"}, "systemd's watchdog"),
    ],
)
def test_last_words(fault: str, left_by: str, env: dict[str, str], says: str | None) -> None:
    words = previous_exit(fault, left_by, env)
    assert (words is None) if says is None else (words is not None and says in words.sentence)
