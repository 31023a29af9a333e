"""Disks that hang or are out of quota, files that are taken away, a database that another process holds."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, init, run_evd, running_daemon
from daemon_statuses import post, stored
from failing_disk import QUICK, Disk

from evd.store.sqlite.sqlite_library import sqlite3


def ready(daemon: RunningDaemon) -> tuple[int, dict[str, Any]]:
    answer = httpx.get(f"{daemon.url}/readyz")
    return answer.status_code, answer.json()


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


def test_a_disk_that_hangs_is_reported_and_alarms_and_what_it_took_then_is_there(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with running_daemon(tmp_path / "evd", env=disk.env) as daemon:
        assert post(daemon, 1).status_code == 201
        assert ready(daemon)[0] == 200
        disk.be("hang")
        assert post(daemon, 2).status_code == 503
        assert ready(daemon) == (503, ready(daemon)[1] | {"reason": "the disk does not answer"})
        until(lambda: any(alarm["name"] == "not_writing" for alarm in ready(daemon)[1]["alarms"]))
        assert daemon.event("nothing is written")["level"] == "error"
        disk.be("well")
        until(lambda: ready(daemon)[0] == 200)
        assert post(daemon, 3).status_code == 201
        daemon.event("writing goes on")
        assert len(stored(daemon)) == 3


@pytest.mark.parametrize(
    ("busy", "signals", "within_s"), [(True, 1, 14), (True, 2, 6), (False, 1, 14)], ids=["busy", "twice", "idle"]
)
def test_a_disk_that_hangs_does_not_keep_evd_from_its_end(
    tmp_path: Path, busy: bool, signals: int, within_s: float
) -> None:
    disk = Disk(tmp_path)
    with running_daemon(tmp_path / "evd", env={**disk.env, "EVD_SERVER__DRAIN_TIMEOUT_S": "1"}) as daemon:
        taken = post(daemon, 1).headers["x-status-id"]
        disk.be("hang")
        if busy:
            assert post(daemon, 2).status_code == 503
        begun = time.monotonic()
        if signals == 2:
            daemon.process.send_signal(signal.SIGTERM)
            daemon.logs.wait_for("stopping", 5)
        daemon.stop(signal.SIGTERM, exit_code=70)
        assert time.monotonic() - begun < within_s, "systemd waits for 25 s"
        assert [line for line in daemon.logs.lines if line.startswith("evd: ") and "does not" in line]
    disk.be("well")
    with running_daemon(tmp_path / "evd", keys=daemon.keys) as again:
        assert taken in stored(again)


def test_a_used_up_quota_is_a_full_disk(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with running_daemon(tmp_path / "evd", env=disk.env) as daemon:
        taken = [post(daemon, 1).headers["x-status-id"]]
        disk.be("quota")
        assert post(daemon, 2).status_code == 503
        until(lambda: bool(ready(daemon)[1]["reason"] == "the disk is full"))
        time.sleep(1)  # it tries again meanwhile
        assert ready(daemon)[1]["reason"] == "the disk is full"
        disk.be("well")
        until(lambda: ready(daemon)[0] == 200)
        taken.append(post(daemon, 3).headers["x-status-id"])
        assert set(taken) <= stored(daemon)
        assert not (daemon.directory / "evd.db-probe").exists()


def test_a_database_that_another_process_holds_is_reported_until_it_lets_go(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd", env=QUICK) as daemon:
        holder = sqlite3.connect(str(daemon.database), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        assert post(daemon, 1).status_code == 503
        assert ready(daemon)[1]["reason"] == "another process holds the database"
        time.sleep(1)
        assert ready(daemon)[0] == 503, "nobody waits any more, and still nothing could be written"
        assert "evd.db" in daemon.event("nothing is written")["reason"]
        holder.execute("ROLLBACK")
        holder.close()
        until(lambda: ready(daemon)[0] == 200)
        assert post(daemon, 1).status_code == 201


def _remove(path: Path) -> None:
    path.unlink()


def _replace(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    copy.replace(path)


@pytest.mark.parametrize(
    ("name", "change", "what"),
    [
        ("evd.db", _remove, "removed"),
        ("evd.db", _replace, "replaced"),
        ("evd.db-wal", _remove, "removed"),
        ("evd.lock", _remove, "removed"),
    ],
)
def test_evd_ends_when_a_file_of_its_is_not_there_any_more(
    tmp_path: Path, name: str, change: Callable[[Path], None], what: str
) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        assert post(daemon, 1).status_code == 201
        change(daemon.directory / name)
        assert daemon.process.wait(10) == 70
        daemon.stop(0, exit_code=70)
        (said,) = [line for line in daemon.logs.lines if line.startswith("evd: ")]
        assert f"{name} was {what} while evd was running" in said
        assert "Traceback" not in str(daemon.logs)


def test_a_second_evd_finds_the_first_though_the_locks_file_is_gone(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        os.kill(daemon.process.pid, signal.SIGSTOP)  # before it looks itself
        (daemon.directory / "evd.lock").unlink()
        second = run_evd("serve", "--dir", daemon.directory, "--bind", "127.0.0.1:0")
        assert (second.returncode, second.stderr.count("\n")) == (3, 1)
        assert second.stderr.startswith("evd: another evd (process ")
        daemon.stop(signal.SIGKILL, exit_code=-9)


def _empty_beside_its_log(directory: Path) -> None:
    (directory / "evd.db").write_bytes(b"")
    (directory / "evd.db-wal").write_bytes(b"not empty")


def _directory_for(name: str) -> Callable[[Path], None]:
    def made(directory: Path) -> None:
        path = directory / name
        if path.exists():
            path.unlink()
        path.mkdir()

    return made


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_empty_beside_its_log, "evd.db is empty: restore a backup"),
        *((_directory_for(name), name) for name in ("evd.db", "evd.lock", "evd.sock", "evd.toml")),
    ],
)
def test_what_stands_in_evds_place_is_one_sentence(tmp_path: Path, spoil: Callable[[Path], None], says: str) -> None:
    init(tmp_path / "evd")
    spoil(tmp_path / "evd")
    ended = run_evd("serve", "--dir", tmp_path / "evd", "--bind", "127.0.0.1:0")
    assert ended.returncode in (1, 2, 7)
    said = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
    assert len(said) == 1, ended.stderr
    assert said[0].startswith("evd: ")
    assert says in said[0]


def test_what_evd_can_do_without_does_not_stop_it(tmp_path: Path) -> None:
    keys = init(tmp_path / "evd")
    for name in ("alive", "alarms.json", "listening"):
        _directory_for(name)(tmp_path / "evd")
    with running_daemon(tmp_path / "evd", keys=keys) as daemon:
        assert post(daemon, 1).status_code == 201
