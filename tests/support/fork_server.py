"""Processes of evd without the start of an interpreter: forked from one that has imported all of evd.

A start costs a second of a processor, nearly all of it for imports, and the tests start some hundred daemons and
commands. What is forked here is a process of its own like any other: with its own environment, working directory,
standard streams, signals and exit code. It becomes a child of the process that asks, which waits for it as for any
child (the asker is its subreaper, prctl(2)).

Run as a program it is the server; `spawn` starts it once for each process that asks. What an interpreter reads before
a program has a say (PYTHON…, LD_…) or evd while it is imported (EVD_CODEC) cannot be given to a fork: `can_fork` says
whether an environment differs in it. With FRESH in the environment nothing is forked.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

FRESH = "FRESH_PROCESSES"
REQUEST_MAX = 1 << 20
IMPORTED_S = 60.0
PR_SET_CHILD_SUBREAPER = 36
_EARLY = ("PYTHON", "LD_", "EVD_CODEC", "MALLOC_", "LANG", "LC_")
_LENGTH = struct.Struct("!I")


class Forked:
    """A process that was forked for us: the part of subprocess.Popen's interface that tests use."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._reaping = threading.Lock()

    def poll(self) -> int | None:
        with self._reaping:
            if self.returncode is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        pause_s = 0.0005
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("a forked evd", timeout or 0)
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.02)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The asker's end."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._asking = threading.Lock()
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._socket, end = socket.socketpair()
        with end:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(end.fileno())], pass_fds=[end.fileno()], stdin=subprocess.DEVNULL
            )
        self._socket.settimeout(IMPORTED_S)
        atexit.register(self._close)

    def _close(self) -> None:
        if os.getpid() == self._pid:
            self._socket.close()
            self._process.wait(10)

    def spawn(self, arguments: Sequence[str], env: Mapping[str, str], streams: tuple[int, int, int]) -> Forked:
        request = json.dumps({"arguments": list(arguments), "env": dict(env), "folder": str(Path.cwd())}).encode()
        with self._asking:
            socket.send_fds(self._socket, [_LENGTH.pack(len(request))], list(streams))
            self._socket.sendall(request)
            return Forked(_LENGTH.unpack(_exactly(self._socket, _LENGTH.size))[0])


@cache
def server() -> ForkServer:
    return ForkServer()


def can_fork(env: Mapping[str, str]) -> bool:
    """Is `env` one that a fork of this process's environment can be given?"""
    if FRESH in os.environ:
        return False
    names = {name for name in (*env, *os.environ) if name.startswith(_EARLY)}
    return all(env.get(name) == os.environ.get(name) for name in names)


def _exactly(stream: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = stream.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


# ---- the server ----


def _import_all() -> None:
    import evd

    for module in pkgutil.walk_packages(evd.__path__, "evd."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _serve(asker: socket.socket) -> list[str] | None:
    """Forks for each request. Returns in each fork what it is to run, and None in the server once its asker is gone."""
    while True:
        try:
            data, given, _, _ = socket.recv_fds(asker, _LENGTH.size, 3)
            data += _exactly(asker, _LENGTH.size - len(data))
            request = json.loads(_exactly(asker, _LENGTH.unpack(data)[0]))
        except EOFError:
            return None
        told, tell = os.pipe()
        between = os.fork()
        if between == 0:
            pid = os.fork()
            if pid:  # ends, so that the fork becomes the subreaper's child
                os.write(tell, _LENGTH.pack(pid))
                os._exit(0)
            for stream, number in zip(given, range(3), strict=True):
                os.dup2(stream, number)
            for number in (told, tell, *given):
                os.close(number)
            asker.close()
            _become(request["env"], request["folder"])
            arguments: list[str] = request["arguments"]
            return arguments
        os.waitpid(between, 0)
        asker.sendall(os.read(told, _LENGTH.size))
        for number in (told, tell, *given):
            os.close(number)


def _become(env: Mapping[str, str], folder: str) -> None:
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(folder)
    for number, name, mode, errors in (
        (0, "in", "r", "strict"),
        (1, "out", "w", "strict"),
        (2, "err", "w", "backslashreplace"),
    ):
        stream = os.fdopen(number, mode, encoding="utf-8", errors=errors, closefd=False)
        setattr(sys, f"std{name}", stream)
        setattr(sys, f"__std{name}__", stream)
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _run(arguments: list[str]) -> None:
    """As `python ARGUMENTS` does; `-m evd` or a program's file comes first."""
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        try:
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        except SystemExit as end:
            if isinstance(end.code, int):
                _end(end.code)
            raise
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


def _end(code: int) -> None:
    """A command's end, but for the finalization of all modules, most of which it never used: it costs a fork more than
    a command does. A daemon's end is whole."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code if stream is sys.stderr else 120  # as of an interpreter whose stdout is gone
    os._exit(code)


if __name__ == "__main__":
    _import_all()
    assert threading.active_count() == 1, "a fork has the thread alone that forks"
    gc.collect()
    gc.freeze()  # a collection in a fork would copy every page that the server shares with it
    if (wanted := _serve(socket.socket(fileno=int(sys.argv[1])))) is not None:
        _run(wanted)
