"""`evd backfill`: what a running evd has afterwards, and what is said."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from backfill_messages import NOW, environment, fake_of_two_types
from daemon_process import RunningDaemon, clean_env, run_evd, running_daemon
from fake_sigfox import Answer, FakeSigfox


@pytest.fixture
def fake() -> Iterator[FakeSigfox]:
    with fake_of_two_types() as one:
        yield one


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("backfill") / "evd") as one:
        yield one


def test_a03_numbers_as_texts_and_a_message_that_was_called_back(tmp_path: Path, fake: FakeSigfox) -> None:
    entry = {
        "device": {"id": "1A2B60"},
        "time": 1_764_000_000_000,
        "data": "0101",
        "seqNumber": 3,
        "lqi": 2,
        "rinfos": [
            {
                "baseStation": {"id": "5859"},
                "rssi": "-133.00",
                "snr": "12.48",
                "rep": 3,
                "cbStatus": [{"status": 600, "attempts": 4}],
            }
        ],
    }
    fake.messages["1A2B60"] = [entry]
    with running_daemon(tmp_path / "evd") as daemon:
        headers = {"x-api-key": daemon.keys["sigfox"]}
        body = {"device": "1A2B60", "time": 1_764_000_000, "data": "0101", "seqNumber": 3}
        assert httpx.post(f"{daemon.url}/sigfox/uplink", json=body, headers=headers).status_code == 201
        wish = ("backfill", "--since", "2025-11-24", "--device", "1A2B60", "--dir", daemon.directory, "--json")
        done = run_evd(*wish, env=environment(fake))
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["read"], told["known"], told["new"]) == (1, 1, 0)
        assert history(daemon) == [("1A2B60", "2025-11-24T16:00:00Z", 3)]
        with closing(sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)) as connection:
            ((radio,),) = connection.execute("SELECT radio FROM ring").fetchall()
        advanced = json.loads(radio)["advanced"]
        assert advanced["lqi"] == "GOOD"
        assert advanced["duplicates"] == [{"bsId": "5859", "nbRep": 3, "rssi": -133.0, "snr": 12.48}]


def history(daemon: RunningDaemon) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT vehicle, time, seq FROM history ORDER BY 1, 2").fetchall()
    finally:
        connection.close()


def test_the_command_fills_what_a_running_evd_lacks_and_counts_it(tmp_path: Path, fake: FakeSigfox) -> None:
    body = {"device": "A1", "time": NOW // 1000, "data": "deadbeef", "seqNumber": 0}
    with running_daemon(tmp_path / "evd") as daemon:
        headers = {"x-api-key": daemon.keys["sigfox"]}
        assert httpx.post(f"{daemon.url}/sigfox/uplink", json=body, headers=headers).status_code == 201
        fake.messages["A1"][0]["time"] += 400  # the API's milliseconds of the same message
        wish = ("backfill", "--since", "2023-11-01", "--dir", daemon.directory, "--json")
        for known in (1, 450):
            done = run_evd(*wish, env=environment(fake))
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout) == {
                "read": 450,
                "new": 450 - known,
                "known": known,
                "too_old": 0,
                "refused": 0,
                "devices": 3,
                "complete": True,
            }
            assert done.stderr == ""
        assert len(history(daemon)) == 450


def test_without_a_running_evd_the_command_writes_itself(tmp_path: Path, fake: FakeSigfox) -> None:
    directory = tmp_path / "evd"
    assert run_evd("init", "--dir", directory).returncode == 0
    done = run_evd("backfill", "--since", "2023-11-01", "--device", "A1", "--dir", directory, env=environment(fake))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("150 messages and callbacks of 1 devices read: 150 new, 0 known")


@pytest.mark.parametrize("running", [True, False])
def test_an_interrupted_command_says_what_it_did_and_that_it_is_not_complete(
    daemon: RunningDaemon, tmp_path: Path, fake: FakeSigfox, running: bool
) -> None:
    directory = daemon.directory if running else tmp_path / "evd"
    if not running:
        assert run_evd("init", "--dir", directory).returncode == 0
    fake.at_request["GET /v2/devices/A1/messages"] = Answer(429, None, {"Retry-After": "300"})
    command = [sys.executable, "-m", "evd", "backfill", "--since", "2023-11-01", "--device", "A2", "--device", "A1"]
    with subprocess.Popen(
        [*command, "--dir", str(directory), "--json"],
        env=clean_env(environment(fake)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert fake.seen.wait(30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(err)["error"]["cause"] == "interrupted"
    assert json.loads(out)["complete"] is False


@pytest.mark.parametrize(
    ("arguments", "change", "code", "sentence"),
    [
        (("--since", "1h"), {"EVD_SIGFOX__API_PASSWORD": ""}, 2, "sigfox.api_password"),
        (("--since", "1h"), {"EVD_SIGFOX__API_PASSWORD": "wrong-one"}, 2, "check sigfox.api_login"),
        (("--since", "1h", "--device", "NONE"), {}, 5, "knows no /devices/NONE/messages"),
        (("--since", "1h", "--until", "2h"), {}, 2, "is not before"),
        (("--since", "soon"), {}, 2, "is not a time"),
    ],
)
def test_the_command_says_in_one_sentence_what_is_wrong(
    tmp_path: Path, fake: FakeSigfox, arguments: tuple[str, ...], change: dict[str, str], code: int, sentence: str
) -> None:
    directory = tmp_path / "evd"
    assert run_evd("init", "--dir", directory).returncode == 0
    done = run_evd("backfill", *arguments, "--dir", directory, env=environment(fake) | change)
    assert done.returncode == code
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert "wrong-one" not in done.stderr
