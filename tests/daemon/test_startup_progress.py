"""A start that takes long: it asks systemd for time while it makes progress (S03 of the field's cases)."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from daemon_process import STOP_S, clean_env, init
from folders import SUPPORT
from service_manager import notified

from evd.daemon.startup_progress import EXTEND_S, Progress, StartupProgress
from evd.daemon.systemd import ServiceManager
from evd.store.sqlite.connection import APPLICATION_ID, SCHEMA_VERSION, open_reader
from evd.store.sqlite.sqlite_library import sqlite3


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


class Manager(ServiceManager):
    """A service manager that takes down what it is asked for, and says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[float, str]] = []
        self.came = threading.Event()

    def extend(self, seconds: float, status: str) -> None:
        self.asked.append((seconds, status))
        self.came.set()


def test_while_work_goes_on_more_time_is_asked_for_and_what_is_done_is_named(tmp_path: Path) -> None:
    (tmp_path / "evd.db").write_bytes(bytes(3 << 20))
    manager = Manager()
    deadline = time.monotonic() + 20
    with StartupProgress(manager, [tmp_path / "evd.db", tmp_path / "evd.db-wal"], look_every_s=0.001) as starting:
        starting.report("upgrading the database")
        while not any("upgrading" in status for _, status in manager.asked):
            assert time.monotonic() < deadline
            sum(range(10_000))  # work: only that asks for time
    manager.close()
    seconds, status = next(one for one in manager.asked if "upgrading" in one[1])
    assert seconds == EXTEND_S
    assert status.startswith("upgrading the database: 0 s so far; evd.db 3 MiB, evd.db-wal 0 MiB")
    asked = len(manager.asked)
    assert not starting._thread.is_alive(), "at the end nothing more is asked for"
    assert len(manager.asked) == asked


def test_a_start_that_ends_before_the_first_look_asks_for_nothing(tmp_path: Path) -> None:
    manager = Manager()
    with StartupProgress(manager, []):
        pass
    manager.close()
    assert manager.asked == []
