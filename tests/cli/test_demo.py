"""`evd demo` as a person starts it: what it prints works, and it stops in order."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import READY_S, STOP_S, Lines, Process, clean_env, run_evd, start


@dataclass
class RunningDemo:
    """`screen` is what it prints, `errors` its stderr."""

    directory: Path
    process: Process
    screen: Lines
    errors: Lines

    @property
    def url(self) -> str:
        found = re.match(r"evd is at (http://[\d.:]+), ", self.screen.lines[0])
        assert found is not None
        return found[1]

    def command(self, start: str) -> list[str]:
        """The words of the command it prints that begins so, the time put in as the shell would."""
        line = next(line for line in self.screen.lines if line.startswith(f"  {start}"))
        return shlex.split(line.replace("$(date +%s)", str(int(time.time()))))

    def end(self, number: int | None = None) -> int:
        """Its exit code, after this signal if there is one; when it does not end, it is killed."""
        if number is not None:
            self.process.send_signal(number)
        try:
            return self.process.wait(STOP_S)
        finally:
            self.process.kill()
            self.process.wait()
            self.screen.close()
            self.errors.close()


def start_demo(home: Path, *arguments: str, streams: tuple[int, int], env: Mapping[str, str] | None = None) -> Process:
    """In `home`, on a free port; `streams` are stdout and stderr."""
    with chdir(home), Path(os.devnull).open("rb") as nothing:
        command = ["-m", "evd", "demo", "--bind", "127.0.0.1:0", *arguments]
        return start(command, clean_env(env), (nothing.fileno(), *streams))


@contextmanager
def running_demo(home: Path, *arguments: str) -> Iterator[RunningDemo]:
    """In `home`, on a free port, until the block ends or the test stops it."""
    (screen, to_screen), (errors, to_errors) = os.pipe(), os.pipe()
    try:
        process = start_demo(home, *arguments, streams=(to_screen, to_errors))
    finally:
        os.close(to_screen)
        os.close(to_errors)
    shown, said = (Lines(os.fdopen(pipe, encoding="utf-8")) for pipe in (screen, errors))
    running = RunningDemo(home / "evd-data", process, shown, said)
    try:
        assert running.screen.wait_for("Ctrl-C stops", READY_S), f"the demo does not start:\n{running.errors}"
        yield running
    finally:
        running.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


def request_of(curl: Sequence[str]) -> httpx.Request:
    """What curl would send for these words."""
    words, headers, body, url = iter(curl), {}, None, ""
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
        elif word.startswith("http"):
            url = word
    return httpx.Request("GET" if body is None else "POST", url, headers=headers, content=body)


def send(request: httpx.Request) -> httpx.Response:
    with httpx.Client(timeout=10) as client:
        return client.send(request)


def test_the_callback_it_prints_is_taken_and_is_what_the_app_is_given(demo: RunningDemo) -> None:
    request = request_of(demo.command("curl -i"))
    taken = send(request)
    assert (taken.status_code, taken.content) == (201, b"")
    asked = request_of(demo.command("curl -s"))
    assert send(asked).json()["vehicleId"] == "386625"
    stamp = json.loads(request.content)["timestamp"] * 1000
    span = asked.url.copy_with(path="/android/range").copy_merge_params({"timeFrom": stamp, "timeTo": stamp})
    (status,) = [one for one in send(httpx.Request("GET", span, headers=asked.headers)).json() if one["current"] == 608]
    assert status["id"] == taken.headers["x-status-id"]
    assert (status["elec_consumption"], status["indoor_temperature"]) == (15.40625, 36.25)


def test_the_pushes_of_the_first_vehicle_reach_the_fake_fcm(demo: RunningDemo) -> None:
    message = pushed(demo)
    assert message["token"] == "demo-phone"
    assert json.loads(message["data"]["serialized"])["vehicleId"] == "386625"


def pushed(demo: RunningDemo) -> dict[str, Any]:
    """A message, as the command it prints shows it."""
    command, home = demo.command("tail"), demo.directory.parent
    with subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, text=True, encoding="utf-8") as tail:
        assert tail.stdout is not None
        lines = Lines(tail.stdout)
        line = lines.wait_for('"kind":"send"', READY_S)
        tail.terminate()
        lines.close()
    assert line is not None, "no push came"
    message: dict[str, Any] = json.loads(line)["message"]
    return message


def test_the_query_it_prints_shows_the_fleet(demo: RunningDemo) -> None:
    *_, database, query = demo.command("sqlite3")
    with closing(sqlite3.connect(f"file:{demo.directory.parent / database}?mode=ro", uri=True)) as connection:
        assert "386625" in [row[0] for row in connection.execute(query)]


def test_the_running_daemon_is_reached_by_the_other_commands(demo: RunningDemo) -> None:
    listed = run_evd("owner", "list", "--dir", demo.directory, "--json")
    assert [(row["uid"], row["vehicle"]) for row in json.loads(listed.stdout)] == [("demo", "386625")]


def test_what_is_secret_is_for_its_owner_only(demo: RunningDemo) -> None:
    for name in ("demo-keys.json", "fcm.json", "evd.db"):
        assert (demo.directory / name).stat().st_mode & 0o077 == 0


def test_off_a_terminal_nothing_is_repeated_and_logs_are_in_their_file(demo: RunningDemo) -> None:
    pushed(demo)
    assert len(demo.screen.lines) == 18
    assert not any("\x1b" in line for line in demo.screen.lines)
    assert not demo.errors.lines
    assert (demo.directory / "demo.log").exists()


def test_a_second_demo_in_the_same_directory_is_refused(demo: RunningDemo) -> None:
    done = run_evd("demo", "--dir", demo.directory, "--bind", "127.0.0.1:0")
    assert done.returncode == 3
    assert done.stderr.startswith("evd: another evd (process ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_in_order_and_the_directory_can_be_used_again(number: int, tmp_path: Path) -> None:
    with running_demo(tmp_path) as first:
        keys = (first.directory / "demo-keys.json").read_bytes()
        assert first.end(number) == 0
    assert first.screen.lines[-1].startswith("Stopped. ")
    assert not first.errors.lines
    with running_demo(tmp_path) as second:
        assert (second.directory / "demo-keys.json").read_bytes() == keys
        assert send(request_of(second.command("curl -i"))).status_code == 201


def test_a_directory_whose_keys_nobody_knows_gets_new_ones(tmp_path: Path) -> None:
    assert run_evd("init", "--dir", tmp_path / "evd-data").returncode == 0
    with running_demo(tmp_path, "--for", "0.2") as demo:
        assert demo.end() == 0
    listed = json.loads(run_evd("key", "list", "--dir", demo.directory, "--json").stdout)
    assert sorted(key["name"] for key in listed) == ["demo"] * 4 + ["first"] * 4


def test_keys_that_do_not_work_are_named(tmp_path: Path) -> None:
    assert run_evd("init", "--dir", tmp_path / "evd-data").returncode == 0
    wrong = dict.fromkeys(("sigfox", "device", "app", "admin"), "not-one-of-its-keys")
    (tmp_path / "evd-data" / "demo-keys.json").write_text(json.dumps(wrong))
    done = run_evd("demo", "--dir", tmp_path / "evd-data", "--bind", "127.0.0.1:0")
    assert done.returncode == 1
    assert "demo-keys.json do not work" in done.stderr
    assert "remove that file" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_taken_port_is_one_sentence_that_names_bind_and_nothing_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run_evd("demo", "--dir", tmp_path / "evd-data", "--bind", bind)
    assert done.returncode == 2
    assert done.stderr == (
        f"evd: the demo cannot listen at {bind} (address already in use): choose another --bind HOST:PORT\n"
    )
    assert not (tmp_path / "evd-data").exists()


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    done = run_evd("demo", "--dir", tmp_path / "evd-data", "--bind", "8080")
    assert done.returncode == 2
    assert "'8080' is not an address to listen at" in done.stderr


def test_no_setting_of_the_directory_sends_pushes_to_the_real_fcm(tmp_path: Path) -> None:
    assert run_evd("init", "--dir", tmp_path / "evd-data").returncode == 0
    settings = '[push]\nendpoint = "http://127.0.0.1:9"\ncredentials = "absent.json"\n'
    (tmp_path / "evd-data" / "evd.toml").write_text(settings)
    with running_demo(tmp_path) as demo:
        assert pushed(demo)["token"] == "demo-phone"


def test_on_a_terminal_the_counts_move(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    screen_size = {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    process = start_demo(tmp_path, "--for", "2", streams=(theirs, theirs), env=screen_size)
    os.close(theirs)
    shown = b""
    with os.fdopen(ours, "rb", buffering=0) as screen, suppress(OSError):  # Linux: the other end is closed
        while chunk := screen.read(65_536):
            shown += chunk
    assert process.wait(STOP_S) == 0
    counts = re.findall(rb"(\d+) sent, \d+ answered 201", shown)
    assert len(set(counts)) >= 2
    assert b"Stopped. " in shown


def test_for_programs_it_is_a_line_at_the_start_and_one_at_the_end(tmp_path: Path) -> None:
    place = tmp_path / "demo"
    done = run_evd("demo", "--json", "--for", "1", "--bind", "127.0.0.1:0", "--dir", place)
    assert done.returncode == 0, done.stderr
    start, end = map(json.loads, done.stdout.splitlines())
    assert start["sign_in"].startswith(f"{start['url']}/#/signin?code=") and start["dir"] == str(place)
    assert start["keys"].keys() >= {"admin", "app", "sigfox"}
    assert end.keys() == {"sent", "taken", "pushed", "trouble"} and end["taken"] <= end["sent"]
