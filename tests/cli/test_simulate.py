"""`evd simulate` against a real daemon, and its counts against a server that answers what the test wants."""

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

import pytest
import trio
import trustme
from answering_server import SECRET, answering, reply
from daemon_process import RunningDaemon, clean_env, run_evd, running_daemon

from evd.cli.simulate import keys_of_file
from evd.errors import ConfigError


@pytest.fixture(scope="module")
def evd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("simulate") / "evd") as daemon:
        yield daemon


def simulate(daemon: RunningDaemon, *arguments: str) -> tuple[int, dict[str, Any]]:
    env = {"EVD_SIGFOX_KEY": daemon.keys["sigfox"], "EVD_DEVICE_KEY": daemon.keys["device"]}
    done = run_evd("simulate", "--url", daemon.url, "--json", *arguments, env=env)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def rows(daemon: RunningDaemon, where: str = "1") -> int:
    with closing(sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)) as database:
        count: int = database.execute(f"SELECT count(*) FROM history WHERE {where}").fetchone()[0]
        return count


def test_two_hundred_callbacks_on_both_channels_are_all_taken_and_on_disk(evd: RunningDaemon) -> None:
    before = rows(evd, "channel = 'sigfox'"), rows(evd, "channel = 'wlan'")
    code, summary = simulate(evd, "--count", "200", "--channel", "both")
    assert (code, summary["sent"], summary["answers"]) == (0, 200, {"201": 200})
    assert (summary["overloaded"], summary["unanswered"], summary["first_trouble"]) == (0, 0, "")
    assert 0 < summary["p50_ms"] <= summary["p99_ms"]
    assert rows(evd, "channel = 'sigfox'") - before[0] == 100
    assert rows(evd, "channel = 'wlan'") - before[1] == 100


def test_nothing_that_the_fleet_sends_is_rejected_or_flagged(evd: RunningDaemon) -> None:
    for shape in ("original", "plain"):
        assert simulate(evd, "--count", "50", "--shape", shape)[0] == 0
    assert rows(evd, "flags <> ''") == 0
    with closing(sqlite3.connect(f"file:{evd.database}?mode=ro", uri=True)) as database:
        assert database.execute("SELECT count(*) FROM rejections").fetchone() == (0,)


def test_redeliveries_are_taken_and_leave_no_rows_of_their_own(evd: RunningDaemon) -> None:
    before = rows(evd)
    code, summary = simulate(evd, "--count", "300", "--duplicates", "20", "--late", "10", "--seed", "5")
    assert (code, summary["answers"]) == (0, {"201": 300})
    assert summary["duplicates"] > 30
    assert summary["late"] > 10
    assert rows(evd) - before == 300 - summary["duplicates"]


def test_the_rate_is_kept(evd: RunningDaemon) -> None:
    code, summary = simulate(evd, "--rate", "100", "--count", "50")
    assert (code, summary["sent"]) == (0, 50)
    assert summary["seconds"] >= 0.49
    assert summary["per_second"] <= 102.1


def test_the_seconds_end_a_run_that_has_no_count(evd: RunningDaemon) -> None:
    code, summary = simulate(evd, "--rate", "50", "--seconds", "0.5")
    assert code == 0
    assert 1 <= summary["sent"] <= 25


def test_the_summary_for_people_says_how_many_were_taken(evd: RunningDaemon, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"dir": "x", "keys": evd.keys}))
    done = run_evd("simulate", "--url", evd.url, "--keys", keys, "--count", "5")
    assert (done.returncode, done.stderr) == (0, "")
    first, *lines = done.stdout.splitlines()
    assert first.startswith("5 callbacks in ")
    assert lines[0].split() == ["201", "5"]


def test_a_refused_key_ends_with_1_and_the_reason_and_without_the_key(evd: RunningDaemon) -> None:
    done = run_evd("simulate", "--url", evd.url, "--count", "3", env={"EVD_SIGFOX_KEY": SECRET})
    assert done.returncode == 1
    assert done.stdout.splitlines()[1].split() == ["401", "3"]
    assert "the first that was not taken: 401" in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_it_works_over_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(tmp_path / "cert.pem", append=True)
    settings = f'[server]\ntls_cert = "{tmp_path}/cert.pem"\ntls_key = "{tmp_path}/key.pem"\n'
    with running_daemon(tmp_path / "evd", settings=settings) as daemon:
        assert daemon.url.startswith("https://")
        env = {"EVD_SIGFOX_KEY": daemon.keys["sigfox"]}
        trusting = {**env, "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        done = run_evd("simulate", "--url", daemon.url, "--count", "20", "--json", env=trusting)
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["answers"] == {"201": 20}
        done = run_evd("simulate", "--url", daemon.url, "--count", "20", env=env)
        assert done.returncode == 5
        assert done.stderr.startswith("evd: No TLS connection")


# Without a daemon


@pytest.mark.parametrize(
    ("arguments", "env", "code", "says"),
    [
        ((), {}, 2, "the sigfox key is missing: set the environment variable EVD_SIGFOX_KEY"),
        (("--channel", "both"), {"EVD_SIGFOX_KEY": SECRET}, 2, "the device key is missing"),
        (("--sigfox-key-env", "MINE"), {"EVD_SIGFOX_KEY": SECRET}, 2, "environment variable MINE"),
        (("--keys", "absent.json"), {}, 2, "absent.json cannot be read"),
        (("--url", "ftp://x"), {"EVD_SIGFOX_KEY": SECRET}, 2, "no base address"),
        (("--url", "http://127.0.0.1:1"), {"EVD_SIGFOX_KEY": SECRET}, 5, "Cannot connect to http://127.0.0.1:1"),
        (("--url", "http://127.0.0.1:1"), {"EVD_SIGFOX_KEY": SECRET + "\n"}, 2, "characters that no key of evd has"),
    ],
)
def test_what_cannot_work_is_reported_in_one_sentence(
    arguments: tuple[str, ...], env: dict[str, str], code: int, says: str
) -> None:
    done = run_evd("simulate", *arguments, env=env)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert SECRET not in done.stderr


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "{}", '{"keys": []}', '{"keys": {"sigfox": 5}}', '{"sigfox": ""}', "{"]
)
def test_a_file_without_the_keys_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(ConfigError, match="does not hold the keys of sigfox"):
        keys_of_file(tmp_path / "keys.json", ["sigfox"])


def test_a_file_of_keys_may_hold_them_bare_or_as_init_prints_them(tmp_path: Path) -> None:
    keys = {"sigfox": "one", "device": "two"}
    for document in (keys, {"dir": "x", "keys": keys}):
        (tmp_path / "keys.json").write_text(json.dumps(document))
        assert keys_of_file(tmp_path / "keys.json", ["sigfox"]) == {"sigfox": "one"}


async def test_an_interrupt_ends_the_run_and_not_its_summary(nursery: trio.Nursery) -> None:
    asked = trio.Event()
    url = await answering([reply("201 Created")], nursery, asked)
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "evd", "simulate", "--url", url, "--count", "1000000", "--json"],
        env=clean_env({"EVD_SIGFOX_KEY": SECRET}),
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    output = b""
    try:
        with trio.fail_after(30):
            await asked.wait()
            process.send_signal(signal.SIGINT)
            async with process.stdout:
                async for chunk in process.stdout:
                    output += bytes(chunk)
            assert await process.wait() == 0
    finally:
        process.kill()
    assert json.loads(output)["unanswered"] == 0
    nursery.cancel_scope.cancel()


# Latencies
