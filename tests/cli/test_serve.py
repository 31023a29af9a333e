"""evd init and evd serve: what cannot work is one sentence, and the exit code says whether a restart mends it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from daemon_process import clean_env, init, run_evd, running_daemon
from daemon_statuses import post
from folders import ROOT

from evd.cli.exits import NO_RESTART, UNUSABLE, WRONG
from evd.store.sqlite.connection import SCHEMA_VERSION
from evd.store.sqlite.sqlite_library import sqlite3


def test_the_unit_does_not_repeat_a_start_that_no_restart_mends(tmp_path: Path) -> None:
    unit = (ROOT / "systemd" / "evd.service").read_text("utf-8")
    assert "\nRestart=always\n" in unit
    codes = " ".join(str(cause.code) for cause in NO_RESTART)
    assert f"\nRestartPreventExitStatus={codes}\n" in unit
    init(tmp_path / "evd")
    (tmp_path / "evd" / "evd.toml").write_text("[server]\nbnid = ':80'\n")
    assert run_evd("serve", "--dir", tmp_path / "evd").returncode == WRONG.code


def newer(database: Path) -> None:
    connection = sqlite3.connect(str(database))
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()


def damaged_at_its_head(database: Path) -> None:
    data = bytearray(database.read_bytes())
    data[100:1000] = b"\xa5" * 900
    database.write_bytes(data)


def damaged_inside(database: Path) -> None:
    """What the start does not read, and the search for damage finds."""
    connection = sqlite3.connect(str(database))
    (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'notes'").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    data = bytearray(database.read_bytes())
    data[(page - 1) * size : page * size] = b"\xa5" * size
    database.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [(newer, "install the evd that wrote it"), (damaged_at_its_head, "is damaged"), (damaged_inside, "is damaged")],
)
def test_a_database_that_no_restart_mends_ends_evd_for_good(
    tmp_path: Path, spoil: Callable[[Path], None], says: str
) -> None:
    init(tmp_path / "evd")
    spoil(tmp_path / "evd" / "evd.db")
    done = run_evd("serve", "--bind", "127.0.0.1:0", "--dir", tmp_path / "evd")
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("evd: ")]
    assert (done.returncode, says in said) == (UNUSABLE.code, True), done.stderr


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"EVD_RETENTION__STATUSES_PER_VEHICLE": "0"}, "retention.statuses_per_vehicle is 0"),
        ({"EVD_SERVER__BINDD": "x"}, "did you mean 'server.bind'?"),
        ({"EVD_CODEC": "fortran"}, "EVD_CODEC"),
        ({"EVD_PUSH__CREDENTIALS": "/no/such/file.json"}, "/no/such/file.json"),
        ({"EVD_INGEST__DEFAULT_FORMAT": "a:0:uint:65"}, "65"),
        ({"FIREBASE_AUTH_EMULATOR_HOST": "x", "EVD_APP__FIREBASE_PROJECT": "p"}, "FIREBASE_AUTH_EMULATOR_HOST"),
        ({"FIREBASE_AUTH_EMULATOR_HOST": "x"}, "FIREBASE_AUTH_EMULATOR_HOST"),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_exit_2(tmp_path: Path, env: dict[str, str], sentence: str) -> None:
    init(tmp_path / "evd")
    ended = run_evd("serve", "--dir", tmp_path / "evd", "--bind", "127.0.0.1:0", env=env)
    assert ended.returncode == 2, ended.stderr
    assert sentence in ended.stderr
    assert ended.stderr.startswith("evd: ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_certificate_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    init(tmp_path / "evd")
    env = {"EVD_SERVER__TLS_CERT": "/no/such.pem", "EVD_SERVER__TLS_KEY": "/no/such.key"}
    ended = run_evd("serve", "--dir", tmp_path / "evd", "--bind", "127.0.0.1:0", env=env)
    assert ended.returncode == 2
    assert [line for line in ended.stderr.splitlines() if line.startswith("evd: server.tls_cert and server.tls_key")]


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    init(tmp_path / "evd")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run_evd("serve", "--dir", tmp_path / "evd", "--bind", bind)
    assert ended.returncode == 1, "it may be free in a second: the unit tries again"
    assert [line for line in ended.stderr.splitlines() if line.startswith(f"evd: cannot listen at {bind}")]


def test_a_directory_whose_socket_could_not_be_bound_is_not_made(tmp_path: Path) -> None:
    directory = tmp_path / ("x" * 100)
    made = run_evd("init", "--dir", directory)
    assert made.returncode == 2
    assert "name a shorter directory" in made.stderr
    assert not directory.exists()


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_the_first_keys_do_not_stay_in_the_journal(tmp_path: Path, flags: list[str]) -> None:
    with (tmp_path / "journal").open("w+") as journal:
        found = os.fstat(journal.fileno())
        ended = subprocess.run(
            [sys.executable, "-m", "evd", "init", "--dir", str(tmp_path / "evd"), *flags],
            env=clean_env({"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}),
            stdout=journal,
            stderr=journal,
            check=False,
        )
        journal.seek(0)
        said = journal.read()
    assert ended.returncode == 0
    assert str(tmp_path / "evd" / "first-keys") in said
    kept = tmp_path / "evd" / "first-keys"
    assert kept.stat().st_mode & 0o777 == 0o600
    keys = dict(line.split() for line in kept.read_text().splitlines())
    assert sorted(keys) == ["admin", "app", "device", "sigfox"]
    assert not [key for key in keys.values() if key in said]
    with running_daemon(tmp_path / "evd", keys=keys) as daemon:
        assert post(daemon, 1).status_code == 201
        daemon.event("the first keys are still in a file: note them elsewhere and remove it")
