"""evd serve as a process: signals, its lock, systemd, and commands beside it."""

from __future__ import annotations

import json
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import trio
import trio.testing
from daemon_process import clean_env, init, run_evd, running_daemon
from daemon_statuses import post, stored

from evd.config.data_dir import DataDirectory, Lock
from evd.daemon import process


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
        key_id = json.loads(made.stdout)["id"]
        assert run_evd("key", "revoke", key_id, "--yes", "--dir", directory).returncode == 0
        assert post(daemon, 2).status_code == 401
        assert run_evd("key", "revive", key_id, "--dir", directory).returncode == 0
        assert post(daemon, 2).status_code == 201
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


# ---- what belongs to the process ----


@pytest.fixture
def descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_as_many_files_may_be_open_as_connections_need_and_no_limit_is_lowered(descriptors: None) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for connections, soft, expected in ((300, 400, 556), (300, 800, 800), (10**9, 400, hard)):
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        process._raise_descriptor_limit(connections)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (expected, hard)


async def test_the_watchdog_is_fed_unless_the_writer_hangs(autojump_clock: trio.testing.MockClock) -> None:
    """It hangs where something waits and no group is even tried."""
    health = SimpleNamespace(turns=0)
    writer: Any = SimpleNamespace(health=health, waiting=0)
    fed: list[float] = []
    manager: Any = SimpleNamespace(alive=lambda: fed.append(trio.current_time()))
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(process._feed_watchdog, manager, writer)
        for seconds, waiting, turns in ((2.5, 0, 0), (3, 5, 0), (2, 5, 1), (2, 0, 1)):
            writer.waiting, health.turns = waiting, turns
            await trio.sleep(seconds)
        nursery.cancel_scope.cancel()
    assert [round(at - began) for at in fed] == [0, 1, 2, 6, 8, 9]


def test_a_second_signal_ends_it_at_once_and_what_was_acknowledged_is_there(tmp_path: Path) -> None:
    env = {"EVD_SERVER__DRAIN_TIMEOUT_S": "60"}
    with running_daemon(tmp_path / "evd", env=env) as daemon, httpx.Client() as client:
        taken = post(daemon, 1, client).headers["x-status-id"]
        url = httpx.URL(daemon.url)
        with socket.create_connection((url.host, url.port or 0)) as unfinished:
            unfinished.sendall(b"POST /sigfox/uplink HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nx-api-key: " +
                               daemon.keys["sigfox"].encode() + b"\r\n\r\n{")  # fmt: skip
            daemon.process.send_signal(signal.SIGTERM)
            daemon.event("stopping")
            daemon.stop(signal.SIGTERM, exit_code=None)
            assert daemon.events_so_far("a second signal: ending at once; what was acknowledged is on disk")
    with running_daemon(tmp_path / "evd", keys=daemon.keys) as again:
        assert taken in stored(again)
