"""A real evd for tests: `evd init` and `evd serve` as processes, on a free port, stopped in order."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any

from fork_server import Forked, can_fork
from fork_server import server as fork_server
from loop_watchdog import HELD

# A start takes about a second; a machine that is busy with other tests may need some more.
READY_S = 30.0
STOP_S = 20.0
EVENT_S = 20.0
"""A daemon logs beside what it answers, so a line may come after the answer: on a busy machine, seconds after."""
LINES_MAX = 10_000

Process = Forked | subprocess.Popen[bytes]


def clean_env(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without what evd or systemd would read from it, but for EVD_CODEC."""
    foreign = ("EVD_", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "JOURNAL_STREAM", "NOTIFY_SOCKET")
    kept = {name: value for name, value in os.environ.items() if name == "EVD_CODEC" or not name.startswith(foreign)}
    return {**kept, **(more or {})}


def start(
    arguments: Sequence[str], env: Mapping[str, str], streams: tuple[int, int, int], *, fresh: bool = False
) -> Process:
    """`python ARGUMENTS` with these standard streams: forked where it can be, else from the interpreter's start on."""
    if not fresh and can_fork(env):
        return fork_server().spawn(arguments, env, streams)
    stdin, stdout, stderr = streams
    return subprocess.Popen([sys.executable, *arguments], env=env, stdin=stdin, stdout=stdout, stderr=stderr)


def run_evd(*arguments: str | Path, env: Mapping[str, str] | None = None, stdin: str = "") -> Any:
    """`evd ARGUMENTS`, to its end: a CompletedProcess with texts."""
    command = ["-m", "evd", *map(str, arguments)]
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        process = start(command, clean_env(env), (given.fileno(), out.fileno(), err.fileno()))
        try:
            code = process.wait(READY_S)
        finally:
            process.kill()
        for stream in (out, err):
            stream.seek(0)
        return subprocess.CompletedProcess(command, code, out.read().decode(), err.read().decode())


class Lines:
    """What a process writes into a pipe, read by a thread of its own as it comes, so that the pipe never fills."""

    def __init__(self, pipe: IO[str]) -> None:
        self.lines: deque[str] = deque(maxlen=LINES_MAX)
        self._pipe = pipe
        self._news = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._pipe:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Is `condition`, which reads `lines`, true, or does it become so in time and before the process ends?"""
        with self._news:
            self._news.wait_for(lambda: self._ended or condition(), timeout_s)
            return condition()

    def wait_for(self, text: str, timeout_s: float) -> str | None:
        """The first line that holds `text`; None if the process ended, or did not write it in time."""
        self.wait_until(lambda: self._find(text) is not None, timeout_s)
        return self._find(text)

    def _find(self, text: str) -> str | None:
        return next((line for line in self.lines if text in line), None)

    def close(self) -> None:
        """After the process ended: the rest is read."""
        self._thread.join(STOP_S)
        self._pipe.close()

    def __str__(self) -> str:
        return "\n".join(self.lines)


@dataclass
class RunningDaemon:
    """`keys` maps a role to its key; `logs` is stderr, a JSON document a line."""

    directory: Path
    url: str
    keys: dict[str, str]
    process: Process
    logs: Lines
    stopped: bool = field(default=False)

    @property
    def database(self) -> Path:
        return self.directory / "evd.db"

    def event(self, name: str, *, within_s: float = EVENT_S, **having: Any) -> dict[str, Any]:
        """The first log line of the event `name` with the values `having`: waits for it, and fails without one."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.events_so_far(name) if having.items() <= line.items()]

        assert self.logs.wait_until(lambda: bool(found()), within_s), (
            f'evd logged no "{name}" with {having} within {within_s:g} s, or ended before:\n{self.logs}'
        )
        return found()[0]

    def events_so_far(self, name: str) -> list[dict[str, Any]]:
        """The log lines of the event `name` up to now; one that is due may be missing: `event` waits for it."""
        documents = [json.loads(line) for line in list(self.logs.lines) if line.startswith("{")]
        return [document for document in documents if document.get("event") == name]

    def stop(self, number: int = signal.SIGTERM, exit_code: int | None = 0) -> None:
        """Send the signal and wait; `exit_code` is what must come of it, None for whatever comes."""
        self.stopped = True
        self.process.send_signal(number)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = None
        self.logs.close()
        assert exit_code is None or code == exit_code, f"evd serve ended with {code}:\n{self.logs}"


@cache
def _made() -> tuple[Path, dict[str, str]]:
    """What `evd init` makes, once for all tests of this process: its start costs more than most of them."""
    folder = Path(tempfile.mkdtemp(prefix="evd-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = run_evd("init", "--dir", folder / "evd", "--json")
    assert made.returncode == 0, made.stderr
    return folder / "evd", json.loads(made.stdout)["keys"]


def init(directory: Path) -> dict[str, str]:
    """A directory as `evd init` makes it; the keys."""
    made, keys = _made()
    shutil.copytree(made, directory, dirs_exist_ok=True)
    return dict(keys)


def start_logged(arguments: Sequence[str], env: Mapping[str, str], *, fresh: bool = False) -> tuple[Lines, Process]:
    """`python ARGUMENTS`: what it writes to stderr, and the process."""
    reading, writing = os.pipe()
    try:
        with Path(os.devnull).open("r+b") as null:
            streams = null.fileno(), null.fileno(), writing
            process = start(arguments, env, streams, fresh=fresh)
    finally:
        os.close(writing)
    return Lines(os.fdopen(reading, encoding="utf-8")), process


@contextmanager
def running_daemon(
    directory: Path,
    *,
    keys: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
    settings: str = "",
    fresh: bool = False,
) -> Iterator[RunningDaemon]:
    """`evd serve` in `directory` on a free port of 127.0.0.1, ready for callbacks; at the end it must stop with 0.

    `keys` are those of an earlier run: then the directory is used as it is, else it is made. `settings` becomes its
    evd.toml. A test that ends the daemon itself calls `stop`. The daemon is watched: nothing may hold its loop. `fresh`
    starts an interpreter of its own for it, as systemd does, which takes a second longer.
    """
    known = dict(keys) if keys is not None else init(directory)
    if settings:
        (directory / "evd.toml").write_text(settings, "utf-8")
    watched = str(Path(__file__).with_name("loop_watchdog.py"))
    command = [watched, "serve", "--dir", str(directory), "--bind", "127.0.0.1:0", *flags]
    logs, process = start_logged(command, clean_env(env), fresh=fresh)
    daemon = RunningDaemon(directory, "", known, process, logs)
    try:
        ready = logs.wait_for('"event": "ready"', READY_S)
        assert ready is not None, f"evd serve is not ready:\n{logs}"
        daemon.url = json.loads(ready)["listen"][0]
        yield daemon
    except BaseException:
        if not daemon.stopped:
            daemon.stop(signal.SIGKILL, exit_code=None)
        raise
    if not daemon.stopped:
        daemon.stop()
    held = daemon.events_so_far(HELD)
    assert held == [], f"{held}\n{logs}" if "LOOP_STACKS" in os.environ else held
