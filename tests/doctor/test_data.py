"""What evd keeps is looked at as files and databases are; what cannot be made here is judged only."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doctor_place import examine, settings

from evd.doctor import data
from evd.doctor.finding import Diagnosis
from evd.store.sqlite.sqlite_library import SAFE_FROM


def damage(directory: Path) -> None:
    file = directory / "evd.db"
    content = bytearray(file.read_bytes())
    content[2048 * 3 : 2048 * 6] = bytes(2048 * 3)
    file.write_bytes(content)


def own_by_another(directory: Path) -> None:
    (directory / "alarms.json").touch()
    os.chown(directory / "alarms.json", 12345, 12345)


def grow_wal(directory: Path) -> None:
    settings("[alerts]\nlog_mib = 1\n")(directory)
    (directory / "evd.db-wal").write_bytes(bytes(2 << 20))


def open_to_all(directory: Path) -> None:
    directory.chmod(0o755)
    (directory / "evd.db").chmod(0o644)


@pytest.mark.parametrize(
    ("name", "make", "state", "what"),
    [
        ("settings", settings("[log]\nlevel = 'loud'\n"), "fail", "log.level is 'loud'"),
        ("settings", settings(""), "ok", "can be used"),
        ("daemon", lambda directory: None, "warn", "no evd runs in"),
        ("database", damage, "fail", "is damaged"),
        ("database", lambda directory: (directory / "evd.db").unlink(), "fail", "there is no database"),
        ("database", lambda directory: None, "ok", "is whole"),
        ("wal", grow_wal, "warn", "evd.db-wal has 2 MiB"),
        ("disk", settings(f"[alerts]\ndisk_free_mib = {1 << 30}\ndisk_free_percent = 100\n"), "warn", "nearly full"),
        ("disk", settings("[alerts]\ndisk_free_mib = 0\n"), "ok", "MiB free of"),
        ("files", own_by_another, "fail", "alarms.json in"),
        ("files", open_to_all, "warn", "everyone on this machine may read evd.db"),
        ("files", lambda directory: None, "ok", "closed to others"),
        ("first-keys", lambda directory: (directory / "first-keys").touch(), "warn", "the first keys are still in"),
        ("alarms", lambda directory: None, "warn", "nobody gets a message of an alarm"),
        ("alarms", settings('[alerts]\nwebhook = "https://hooks.example.org"\n'), "skipped", "no evd runs"),
    ],
)
def test_a_finding(name: str, make: Callable[[Path], Any], state: str, what: str, directory: Path) -> None:
    if make is own_by_another and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    make(directory)
    verdict = examine(name, directory)
    assert (verdict.state, what in verdict.what) == (state, True), verdict
    assert bool(verdict.remedy) == (state in ("warn", "fail"))


@pytest.mark.parametrize(
    ("judged", "state"),
    [
        (data.judge_sqlite((SAFE_FROM, SAFE_FROM)), "ok"),
        (data.judge_sqlite(((3, 51, 2), SAFE_FROM)), "fail"),
        (data.judge_daemon(data.DaemonSeen(Path("/x"), True, True, "", "")), "ok"),
        (data.judge_daemon(data.DaemonSeen(Path("/x"), True, False, "the disk is full", "")), "fail"),
        (data.judge_daemon(data.DaemonSeen(Path("/x"), False, False, "", "it did not answer")), "fail"),
        (data.judge_disk(data.DiskSeen(1 << 40, 1 << 41, 1 << 20, 1024, 5.0, True)), "fail"),
        (data.judge_disk(data.DiskSeen(5 << 20, 100 << 20, 1 << 20, 1024, 5.0, False)), "ok"),
        (data.judge_disk(data.DiskSeen((5 << 20) - 1, 100 << 20, 1 << 20, 1024, 5.0, False)), "warn"),
        (data.judge_disk(data.DiskSeen(1024 << 20, 1 << 41, 1 << 20, 1024, 5.0, False)), "ok"),
        (data.judge_disk(data.DiskSeen((1024 << 20) - 1, 1 << 41, 1 << 20, 1024, 5.0, False)), "warn"),
        (data.judge_disk(data.DiskSeen(1 << 40, 1 << 41, data.INODES_MIN, 1024, 5.0, False)), "ok"),
        (data.judge_wal(data.WalSeen(Path("/x"), 1 << 20, 1)), "ok"),
        (data.judge_wal(data.WalSeen(Path("/x"), (1 << 20) + 1, 1)), "warn"),
        (data.judge_disk(data.DiskSeen(1 << 40, 1 << 41, 10, 1024, 5.0, False)), "fail"),
        (data.judge_alarms(data.AlarmsSeen(["the disk is nearly full"], True, "evd stats")), "warn"),
        (data.judge_alarms(data.AlarmsSeen([], True, "evd stats")), "ok"),
    ],
)
def test_a_judgement(judged: Diagnosis, state: str) -> None:
    assert judged.state == state
    assert bool(judged.remedy) == (state in ("warn", "fail"))


def test_of_many_alarms_the_first_and_their_number_are_named() -> None:
    for standing, what in ((["a"], "a"), (["a", "b", "c"], "a, and 2 more")):
        assert data.judge_alarms(data.AlarmsSeen(standing, True, "evd stats")).what == what


def test_what_everyone_could_read_is_closed_by_its_directory(directory: Path) -> None:
    open_to_all(directory)
    directory.chmod(0o750)
    assert examine("files", directory).state == "ok"
