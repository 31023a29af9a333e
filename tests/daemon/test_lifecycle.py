"""The daemon as a process: how it starts, who else may work in its directory, and how it ends."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, clean_env, init, run_evd, running_daemon
from daemon_statuses import post, stored
from folders import ROOT

import evd.cli
from evd.cli.exits import NO_RESTART, UNUSABLE, WRONG
from evd.config.data_dir import DataDirectory, Lock
from evd.daemon.listening import parse_bind
from evd.errors import ConfigError
from evd.store.sqlite.connection import SCHEMA_VERSION, open_reader
from evd.store.sqlite.sqlite_library import sqlite3


def test_sigterm_ends_it_with_0_in_spite_of_idle_connections(tmp_path: Path) -> None:
    env = {"EVD_SERVER__DRAIN_TIMEOUT_S": "60"}  # for longer than it is waited for
    with (
        running_daemon(tmp_path / "evd", env=env, fresh=True) as daemon,
        httpx.Client() as edge,
        httpx.Client() as quart,
    ):
        assert post(daemon, 1, edge).status_code == 201
        assert quart.head(f"{daemon.url}/online").status_code == 200
        daemon.stop(signal.SIGTERM)
        assert not (daemon.directory / "evd.sock").exists()
        assert not daemon.database.with_name("evd.db-wal").exists()


def test_sigint_ends_it_with_0_too(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd", fresh=True) as daemon:
        daemon.stop(signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_acknowledged_is_there_after_the_end(tmp_path: Path, number: int) -> None:
    acknowledged: set[str] = set()
    with running_daemon(tmp_path / "evd", fresh=True) as daemon:

        def send(first: int) -> None:
            with httpx.Client() as client:
                for count in range(first, first + 100_000):
                    try:
                        answer = post(daemon, count, client)
                    except httpx.TransportError:
                        return
                    if answer.status_code == 201:
                        acknowledged.add(answer.headers["x-status-id"])

        threads = [threading.Thread(target=send, args=(100_000 * one,)) for one in range(4)]
        for thread in threads:
            thread.start()
        while len(acknowledged) < 200:
            time.sleep(0.01)
        daemon.stop(number, exit_code=-9 if number == signal.SIGKILL else 0)
        for thread in threads:
            thread.join()
    assert len(acknowledged) >= 200
    with running_daemon(tmp_path / "evd", keys=daemon.keys) as again:
        assert acknowledged <= stored(again)
        assert post(again, 1).status_code == 201


LOG_BYTES = 256 * 1024
"""Enough for what the start writes and some callbacks."""


def test_an_io_error_ends_it_with_70_and_nothing_is_acknowledged_after_it(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with running_daemon(tmp_path / "evd") as daemon:
        acknowledged.append(post(daemon, 0).headers["x-status-id"])
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (LOG_BYTES, LOG_BYTES))
        refused = 0
        for count in range(1, 200):
            try:
                answer = post(daemon, count)
            except httpx.TransportError:
                break
            if answer.status_code != 201:
                refused += 1
                assert answer.status_code == 503
            elif refused:
                raise AssertionError("acknowledged after an I/O error")
            else:
                acknowledged.append(answer.headers["x-status-id"])
        assert daemon.process.wait(10) == 70
        daemon.stop(0, exit_code=70)
        assert "evd:" in str(daemon.logs)
    with running_daemon(tmp_path / "evd", keys=daemon.keys) as again:
        assert set(acknowledged) <= stored(again)


def test_a_second_daemon_refuses_politely(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        second = run_evd("serve", "--dir", daemon.directory, "--bind", "127.0.0.1:0")
        assert second.returncode == 3
        assert second.stderr.startswith(f"evd: another evd (process {daemon.process.pid}) uses ")
        assert post(daemon, 1).status_code == 201


def test_commands_reach_the_running_daemon_and_are_the_writer_where_none_runs(tmp_path: Path) -> None:
    directory = tmp_path / "evd"
    keys = init(directory)
    made = run_evd("key", "create", "--role", "sigfox", "--dir", directory, "--json")
    assert made.returncode == 0, made.stderr
    with running_daemon(directory, keys=keys) as daemon:
        daemon.keys["sigfox"] = json.loads(made.stdout)["key"]
        assert post(daemon, 1).status_code == 201
        listed = run_evd("key", "list", "--dir", directory, "--json")
        assert len(json.loads(listed.stdout)) == 5
        assert run_evd("key", "revoke", json.loads(made.stdout)["id"], "--dir", directory).returncode == 0
        assert post(daemon, 2).status_code == 401
    assert json.loads(run_evd("vehicle", "list", "--dir", directory, "--json").stdout)[0]["kept"] == 1


def test_commands_side_by_side_take_turns_where_no_daemon_runs(tmp_path: Path) -> None:
    init(tmp_path / "evd")
    create = [sys.executable, "-m", "evd", "key", "create", "--role", "sigfox", "--dir", str(tmp_path / "evd")]
    commands = [
        subprocess.Popen(create, env=clean_env(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(5)
    ]
    said = [command.communicate(timeout=60)[1] for command in commands]
    assert [command.returncode for command in commands] == [0] * 5, said
    assert len(json.loads(run_evd("key", "list", "--dir", tmp_path / "evd", "--json").stdout)) == 9
    assert not (tmp_path / "evd" / "evd.sock").exists(), "nobody else was led to a daemon of a moment"


def test_a_daemon_waits_for_a_command_to_end(tmp_path: Path) -> None:
    keys = init(tmp_path / "evd")
    lock = Lock(DataDirectory(tmp_path / "evd"), brief=True)
    threading.Timer(1.0, lock.release).start()
    with running_daemon(tmp_path / "evd", keys=keys) as daemon:
        assert post(daemon, 1).status_code == 201


def test_statistics_say_whether_evd_runs(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        assert post(daemon, 1).status_code == 201
        running = json.loads(run_evd("stats", "--dir", daemon.directory, "--json").stdout)
        assert (running["running"], running["ready"]) == (True, True)
    stopped = run_evd("stats", "--dir", tmp_path / "evd")
    assert stopped.stdout.startswith("evd is not running.")
    assert "stored.statuses                  1" in stopped.stdout
    assert "ready" not in stopped.stdout
    found = json.loads(run_evd("stats", "--dir", tmp_path / "evd", "--json").stdout)
    assert (found["running"], found["ready"], found["stored"]["statuses"]) == (False, False, 1)


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


def _without_rights() -> None:
    """Root's rights to open what is not its own to open are dropped, as for any user (capabilities(7))."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.mark.parametrize(("command", "mode"), [(["stats"], 0o000), (["serve"], 0o500), (["vehicle", "list"], 0o500)])
def test_who_may_not_open_the_directory_gets_a_sentence(tmp_path: Path, command: list[str], mode: int) -> None:
    directory = tmp_path / "evd"
    directory.mkdir()
    for name in ("evd.db", "evd.toml", "evd.lock"):
        (directory / name).touch(0o000)
    directory.chmod(mode)
    ended = subprocess.run(
        [sys.executable, "-m", "evd", *command, "--dir", str(directory)],
        env=clean_env(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=_without_rights,
    )
    directory.chmod(0o700)
    assert ended.returncode in (1, 2)
    assert ended.stderr.startswith("evd: ")
    assert len(ended.stderr.splitlines()) == 1, ended.stderr


def test_a_fault_of_evds_own_is_a_sentence_and_a_traceback_only_for_who_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("a secret, perhaps")

    monkeypatch.setattr(evd.cli.cli, "main", fail)
    with pytest.raises(SystemExit, match="1"):
        evd.cli.main(["stats"])
    assert capsys.readouterr().err == (
        "evd: internal error (KeyError): please report it; EVD_TRACEBACK=1 shows a traceback\n"
    )
    monkeypatch.setenv("EVD_TRACEBACK", "1")
    with pytest.raises(SystemExit, match="1"):
        evd.cli.main(["stats"])
    assert "in fail" in capsys.readouterr().err


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


def test_the_control_socket_is_its_owners_alone(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        assert (daemon.directory / "evd.sock").stat().st_mode & 0o777 == 0o600
        assert daemon.database.stat().st_mode & 0o777 == 0o600


def test_a_dead_daemons_socket_is_in_nobodys_way(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        daemon.stop(signal.SIGKILL, exit_code=-9)
    assert (daemon.directory / "evd.sock").exists()
    assert run_evd("key", "list", "--dir", daemon.directory).returncode == 0
    with running_daemon(tmp_path / "evd", keys=daemon.keys) as again:
        assert post(again, 1).status_code == 201


def test_systemd_is_notified_when_it_is_ready(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(tmp_path / "notify"))
        notify.settimeout(20)
        with running_daemon(tmp_path / "evd", env={"NOTIFY_SOCKET": str(tmp_path / "notify")}):
            told = b""
            while b"READY=1" not in told:
                told += notify.recv(4096)


def test_it_says_once_that_no_pushes_are_sent_without_credentials(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        assert post(daemon, 1).status_code == 201
        daemon.stop()
        said = [line for line in daemon.logs.lines if "no pushes are sent" in line]
        assert len(said) == 1
        assert "push.credentials" in said[0]


def test_keys_and_tokens_never_reach_the_logs(tmp_path: Path) -> None:
    secret, token = "not-a-key-but-secret-0123456789", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtYXJ0aW4ifQ.c2lnbmF0dXJl"
    with running_daemon(tmp_path / "evd", env={"EVD_LOG__LEVEL": "debug"}) as daemon:
        for headers in ({"x-api-key": secret}, {"authorization": f"Bearer {token}"}, {"x-api-key": daemon.keys["app"]}):
            httpx.get(f"{daemon.url}/android/last?vehicleId=1", headers={**headers, "userId": "martin"})
            httpx.post(f"{daemon.url}/sigfox/uplink", content=b"{", headers=headers)
        post(daemon, 1)
        daemon.stop()
        logs = str(daemon.logs)
        assert logs
        assert all(one not in logs for one in (secret, token, *daemon.keys.values()))


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


def test_a_directory_whose_socket_could_not_be_bound_is_not_made(tmp_path: Path) -> None:
    directory = tmp_path / ("x" * 100)
    made = run_evd("init", "--dir", directory)
    assert made.returncode == 2
    assert "name a shorter directory" in made.stderr
    assert not directory.exists()


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    init(tmp_path / "evd")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run_evd("serve", "--dir", tmp_path / "evd", "--bind", bind)
    assert ended.returncode == 1, "it may be free in a second: the unit tries again"
    assert [line for line in ended.stderr.splitlines() if line.startswith(f"evd: cannot listen at {bind}")]


def test_lowering_and_raising_the_ring_work_at_the_next_start(tmp_path: Path) -> None:
    def kept(daemon: RunningDaemon) -> int:
        reader = open_reader(daemon.database)
        try:
            (count,) = reader.execute("SELECT count(*) FROM history WHERE vehicle = '386625'").fetchone()
            return int(count)
        finally:
            reader.close()

    keys = None
    for capacity, expected in ((6, 6), (2, 2), (4, 4)):
        env = {"EVD_RETENTION__STATUSES_PER_VEHICLE": str(capacity)}
        with running_daemon(tmp_path / "evd", keys=keys, env=env) as daemon:
            assert kept(daemon) <= capacity
            for number in range(0, 7 * 10, 7):
                assert post(daemon, 700 * capacity + number).status_code == 201
            assert kept(daemon) == expected
            keys = daemon.keys


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:8080", "127.0.0.1", 8080), ("[::1]:80", "::1", 80), (":9", None, 9), ("localhost:0", "localhost", 0)],
)
def test_addresses_to_listen_at(text: str, host: str | None, port: int) -> None:
    assert parse_bind(text) == (host, port)


@pytest.mark.parametrize("text", ["8080", "host:", "host:x", "host:70000", ""])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="HOST:PORT"):
        parse_bind(text)
