"""`evd tail`: what comes from now on, and nothing of what was there."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from daemon_process import EVENT_S, Lines, RunningDaemon, clean_env, init, run_evd, running_daemon, start
from daemon_statuses import post

from evd.cli.tail import refused_since


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("tail") / "evd") as running:
        yield running


@contextmanager
def tailing(daemon: RunningDaemon, *more: str) -> Iterator[Lines]:
    """The lines of `evd tail … --json`, which Ctrl-C ends in order."""
    reading, writing = os.pipe()
    with Path(os.devnull).open("r+b") as null:
        arguments = ["-m", "evd", "tail", *more, "--json", "--dir", str(daemon.directory)]
        process = start(arguments, clean_env(), (null.fileno(), writing, sys.stderr.fileno()))
    os.close(writing)
    lines = Lines(os.fdopen(reading, encoding="utf-8"))
    try:
        yield lines
        process.send_signal(signal.SIGINT)
        assert process.wait(EVENT_S) == 0
    finally:
        process.kill()
        process.wait()
        lines.close()


def comes(lines: Lines, cause: Callable[[], object]) -> dict[str, object]:
    """The first line, however long the command takes to listen: the cause is repeated."""
    while not lines.wait_until(lambda: bool(lines.lines), 0.3):
        cause()
    found: dict[str, object] = json.loads(lines.lines[0])
    return found


def test_a_new_status_is_a_line_and_an_old_one_none(daemon: RunningDaemon) -> None:
    old = post(daemon, 1).headers["x-status-id"]
    numbers = iter(range(2, 10_000))
    with tailing(daemon) as lines:
        found = comes(lines, lambda: post(daemon, next(numbers)))
    assert found["id"] != old
    assert old not in str(lines)


def test_a_refused_callback_is_a_line_each_time_it_comes(daemon: RunningDaemon) -> None:
    headers = {"x-api-key": daemon.keys["sigfox"]}

    def refuse() -> None:
        assert httpx.post(f"{daemon.url}/sigfox/uplink", json={"device": "A1"}, headers=headers).status_code == 400

    refuse()
    with tailing(daemon, "--rejected") as lines:
        found = comes(lines, refuse)
    assert found["route"] == "POST /sigfox/uplink"
    assert int(str(found["times"])) >= 2


@pytest.mark.parametrize(
    ("seen", "found", "shown"),
    [
        ([(1, 1, 10)], [(1, 1, 10)], []),
        ([(1, 1, 10)], [(1, 2, 20), (2, 1, 15)], [1, 2]),
        ([(1, 1, 10)], [(1, 1, 10), (2, 1, 10)], [2]),
        ([(5, 1, 50)], [(4, 1, 40), (6, 1, 60)], [6]),  # 5 was forgotten, so 4 came into sight
        ([], [(1, 1, 10)], [1]),
    ],
)
def test_what_was_refused_since_the_last_look(
    seen: list[tuple[int, int, int]], found: list[tuple[int, int, int]], shown: list[int]
) -> None:
    before, now = (
        [dict(zip(("number", "times", "received"), row, strict=True)) for row in one] for one in (seen, found)
    )
    assert [row["number"] for row in refused_since(before, now)] == shown


def test_refused_callbacks_name_no_vehicle(daemon: RunningDaemon) -> None:
    done = run_evd("tail", "386625", "--rejected", "--dir", daemon.directory)
    assert (done.returncode, "leave the vehicles away" in done.stderr) == (2, True)


@pytest.mark.parametrize("what", [[], ["--rejected"]])
def test_where_no_evd_runs_there_is_nothing_to_follow(tmp_path: Path, what: list[str]) -> None:
    init(tmp_path / "evd")
    done = run_evd("tail", *what, "--dir", tmp_path / "evd")
    assert (done.returncode, "`evd serve` starts it" in done.stderr) == (4, True), done.stderr
