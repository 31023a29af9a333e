"""The daemon from its start to its end: what it leaves in its directory, in its logs and to other users."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, clean_env, run_evd, running_daemon
from daemon_statuses import post, stored

import evd.cli
from evd.store.sqlite.connection import open_reader

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


def test_the_control_socket_is_its_owners_alone(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        assert (daemon.directory / "evd.sock").stat().st_mode & 0o777 == 0o600
        assert daemon.database.stat().st_mode & 0o777 == 0o600


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


def test_a_directory_whose_socket_could_not_be_bound_is_not_made(tmp_path: Path) -> None:
    directory = tmp_path / ("x" * 100)
    made = run_evd("init", "--dir", directory)
    assert made.returncode == 2
    assert "name a shorter directory" in made.stderr
    assert not directory.exists()


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
