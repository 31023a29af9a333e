"""What reaches a person's terminal: every command writes to a pty, against a daemon whose every word is hostile.

Between the command and a real daemon stands a proxy that appends hostile text to each text of each answer. So whatever
a command prints of what it was given is tried, whether or not a stranger can bring it there today.
"""

from __future__ import annotations

import gc
import http.server
import io
import json
import os
import pty
import re
import select
import signal
import socketserver
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, clean_env, init, run_evd, running_daemon, start
from fake_sigfox import LOGIN, PASSWORD, Answer, fake_sigfox
from receivers import receiver, says

from evd.cli import main
from evd.errors import ControlError
from evd.net.client import control_socket

MARK = "Zq7"
FAKE_LINE = "evd: all keys are revoked"
HOSTILE = (
    f" {MARK}\x1b[2J\x1b]0;title\x07\x9b31m\x90q\x9c\x85\u202eabc\u202c\u2066x\u2069\u200b\ufeff\u2028\x7f\b\b"
    f"\r\n{FAKE_LINE}\n[bold red]loud[/bold red][/] [link=http://x]y[/link]"
)
NEVER = re.compile(
    f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|^{FAKE_LINE}",
    re.MULTILINE,
)
BOLD = ("\x1b[1m", "\x1b[0m")  # evd's own, in the headings of `sigfox config`
WAIT_S = 60.0

#: What the commands themselves read in an answer: it has to be what it is.
READ_BY_COMMANDS = frozenset({"kind", "grammar", "fields", "how", "side", "which", "verdicts"})


def hostile(document: Any) -> Any:
    if isinstance(document, str):
        return document + HOSTILE
    if isinstance(document, list):
        return [hostile(one) for one in document]
    if isinstance(document, dict):
        return {name: one if name in READ_BY_COMMANDS else hostile(one) for name, one in document.items()}
    return document


TIME = 1_700_000_000_000
PUSH = {
    "vehicle": "A1",
    "status_id": "0123456789abcdef",
    "what": "state",
    "phone": "goodphone",
    "state": "waiting",
    "attempts": 1,
    "due": TIME,
    "sent": TIME,
    "answered": TIME,
    "after_ms": 5,
    "said": "no",
    "registered": True,
}
PUSHES = {
    "waiting": [PUSH],
    "finished": [PUSH],
    "paused_since": None,
    "enabled": True,
    "held_up": "it says no",
    "registered": 1,
    "stale": 1,
    "stale_after_days": 30,
}
TRACE = {
    "status_id": "0123456789abcdef",
    "vehicle": "A1",
    "measured": TIME,
    "received": TIME,
    "committed": TIME,
    "registered": 0,
    "taken": 1,
    "pushes": [PUSH],
}
EXAMPLE = {"vehicle": "A1", "time": TIME, "field": "state", "old": "x", "new": "y"}
REDECODED = {"read": 1, "changed": 1, "passed": 1, "of": 1, "vehicles": ["A1"], "fields": {f"state{HOSTILE}": 1}}
EVENT = {"number": 1, "time": TIME, "vehicle": "A1", "kind": "left", "details": {"place": "home"}}

#: Path → the answer, where a real daemon would need phones, a fleet or hours for it.
CANNED: dict[str, Any] = {
    **dict.fromkeys(("/pushes", "/pushes/pause", "/pushes/resume"), PUSHES),
    "/pushes/trace/0123456789abcdef": TRACE,
    "/pushes/test": {"phones": [{"token": "good", "kind": "token", "taken": False, "said": "no", "ms": 1.0}]},
    "/redecode/preview": {**REDECODED, "examples": [EXAMPLE], "next": None},
    "/redecode": {**REDECODED, "examples": [EXAMPLE], "written": 1, "gone": 1, "next": None},
    "/events": [EVENT],
    "/rejections/9/replay": {"number": 9, "taken": False, "error": "e", "detail": "still wrong"},
    "/rejections/8/replay": {"number": 8, "taken": True, "status": 201, "status_id": "x", "without": ["customer"]},
}


class Proxy(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The control socket of a daemon whose every word is hostile."""

    daemon_threads = True
    real: Path


class Handler(http.server.BaseHTTPRequestHandler):
    server: Proxy

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        path = self.path.removeprefix("/api/v1")
        if path.startswith("/stream"):
            self._stream(path)
            return
        status, document = 200, CANNED.get(path.partition("?")[0])
        if document is None:
            try:
                document = control_socket.call(self.server.real, self.command, path, json.loads(body or b"null"))
            except ControlError as error:
                status, document = 400, {"detail": str(error)}
        self._send(status, json.dumps(hostile(document), ensure_ascii=False).encode())

    def _stream(self, path: str) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            for line in control_socket.lines(self.server.real, path, {}):
                if line.startswith("data: {"):
                    line = "data: " + json.dumps(hostile(json.loads(line[6:])), ensure_ascii=False)
                self.wfile.write(line.encode() + b"\n")
                self.wfile.flush()

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def address_string(self) -> str:
        return "the command"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


def fill(daemon: RunningDaemon) -> None:
    """One of everything that commands list."""
    sigfox = {"x-api-key": daemon.keys["sigfox"], "content-type": "application/json"}
    now = int(time.time())

    def post(route: str, **document: Any) -> int:
        return httpx.post(f"{daemon.url}/sigfox/{route}", json=document, headers=sigfox).status_code

    assert post("uplink", device="A1", time=now, data="130a4c0f594e427e4bb45088", seqNumber=1, note="x") == 201
    assert post("status", device="A1", time=now, seqNumber=2, batt=3.1, temp=20) == 201
    assert post("error", device="A1", time=now, info="lost", severity="ERROR") == 201
    assert post("uplink", device="A1", time="never", token="secret") == 400
    for wish in (
        ("vehicle", "set", "A1", "--name", "car"),
        ("owner", "add", "uid", "A1"),
        ("user", "add", "uid", "--password-stdin"),
        ("token", "create", "--user", "uid", "--scope", "read", "--name", "sheet"),
        ("format", "add", "trailer", "load::uint:8", "--field", "load.unit=kg"),
        ("format", "assign", "trailer", "--vehicle", "B1"),
        ("downlink", "send", "A1", "0102030405060708"),
        ("webhook", "add", "A1", "https://example.org/hook"),
        ("event", "settings", "A1", 'places=[{"name": "home", "lat": 48.15, "lng": 17.11, "radius_m": 200}]'),
    ):
        done = run_evd(*wish, "--dir", daemon.directory, stdin="correct horse battery")
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory whose daemon is hostile."""
    folder = tmp_path_factory.mktemp("terminal")
    init(folder / "false")
    with running_daemon(folder / "evd", env={"EVD_PUSH__WEBHOOK_SECRET": "whsec_" + "A" * 44}) as daemon:
        fill(daemon)
        with Proxy(str(folder / "false" / "evd.sock"), Handler) as proxy:
            proxy.real = daemon.directory / "evd.sock"
            thread = threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            yield folder / "false"
            proxy.shutdown()
            thread.join()


class Terminal:
    """What a command wrote to its terminal."""

    def __init__(self, data: bytes, code: int) -> None:
        self.code = code
        self.text = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        for one in BOLD:
            self.text = self.text.replace(one, "")

    def assert_plain(self) -> None:
        found = NEVER.search(self.text)
        assert found is None, f"{found[0]!r} in {self.text!r}" if found else ""
        assert "Traceback" not in self.text, self.text


def opened() -> tuple[int, int]:
    """A pty that is wide: both ends, the terminal's and the program's."""
    outer, inner = pty.openpty()
    termios.tcsetwinsize(inner, (50, 20_000))
    attributes = termios.tcgetattr(inner)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(inner, termios.TCSANOW, attributes)
    return outer, inner


PLAIN = {"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "20000", "LINES": "50"}
"""The environment of a terminal that knows no colours."""


def on_a_terminal(*arguments: str | Path) -> Terminal:
    """Run `evd ARGUMENTS` with a pty as its standard streams, in this process: a start costs more than the rest."""
    outer, inner = opened()
    data: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # Linux: the other end is closed
            while part := os.read(outer, 65_536):
                data.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    threshold = gc.get_threshold()
    try:
        with (
            os.fdopen(inner, "r+b", buffering=0) as raw,
            io.TextIOWrapper(raw, "utf-8", "surrogateescape", line_buffering=True, write_through=True) as stream,
            pytest.MonkeyPatch.context() as patch,
        ):
            for name in ("stdin", "stdout", "stderr"):
                patch.setattr(sys, name, stream)
            for name, value in PLAIN.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main([str(one) for one in arguments])
    finally:
        gc.set_threshold(*threshold)
        reader.join(WAIT_S)
        os.close(outer)
    assert isinstance(ended.value.code, int)
    return Terminal(b"".join(data), ended.value.code)


def in_a_process(
    *arguments: str | Path, env: dict[str, str] | None = None, until: Callable[[str], bool] | None = None
) -> Terminal:
    """The same in a process of its own, to its end, or until its output is enough: then it is interrupted."""
    outer, inner = opened()
    process = start(["-m", "evd", *map(str, arguments)], clean_env({**PLAIN, **(env or {})}), (inner, inner, inner))
    os.close(inner)
    data, end = b"", time.monotonic() + WAIT_S
    try:
        while time.monotonic() < end:
            ready, _, _ = select.select([outer], [], [], 0.2)
            try:
                part = os.read(outer, 65_536) if ready else b""
            except OSError:  # the other side is closed
                break
            data += part
            if until is not None and until(data.decode("utf-8", "replace")):
                process.send_signal(signal.SIGINT)
                until = None
            if not ready and process.poll() is not None:
                break
        code = process.wait(max(1.0, end - time.monotonic()))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(outer)
    return Terminal(data, code)


COMMANDS = (
    ("vehicle", "list"),
    ("vehicle", "show", "A1"),
    ("vehicle", "set", "A1", "--keep", "5"),
    ("vehicle", "days", "A1"),
    ("vehicle", "log", "A1"),
    ("vehicle", "show", "none"),
    ("event", "list"),
    ("event", "settings", "A1"),
    ("event", "preferences", "uid"),
    ("downlink", "list"),
    ("downlink", "send", "A1", "0102030405060708"),
    ("downlink", "cancel", "1", "--yes"),
    ("rejected", "list"),
    ("rejected", "replay", "--all"),
    ("rejected", "replay", "8", "9"),
    ("rejected", "forget", "7", "--yes"),
    ("push", "list"),
    ("push", "trace", "0123456789abcdef"),
    ("push", "test", "A1"),
    ("push", "pause"),
    ("push", "resume"),
    ("webhook", "list"),
    ("webhook", "add", "A1", "https://example.org/other"),
    ("webhook", "remove", "A1", "https://example.org/other", "--yes"),
    ("owner", "list"),
    ("owner", "add", "uid", "B2"),
    ("owner", "remove", "uid", "B2", "--yes"),
    ("user", "list"),
    ("user", "remove", "none", "--yes"),
    ("token", "list"),
    ("token", "create", "--user", "uid", "--scope", "read", "--name", "sheet"),
    ("token", "create", "--user", "uid", "--scope", f"\x1b{MARK}"),
    ("token", "revoke", "none", "--yes"),
    ("key", "list"),
    ("key", "create", "--role", "app"),
    ("key", "revoke", "none", "--yes"),
    ("format", "list"),
    ("format", "show", "trailer"),
    ("format", "assign", "trailer", "--vehicle", f"C1\x1b{MARK}"),
    ("format", "add", "none", f"load::uint:8\x9b{MARK}"),
    ("format", "check", f"load::uint:8 \u202e{MARK}"),
    ("format", "check", f"{MARK}\x1b::uint:8"),
    ("format", "remove", f"none\u009b{MARK}", "--yes"),
    ("redecode", "--since", "1d", "--yes"),
    ("stats",),
    ("decode", "--format", "ev", f"zz\x9b{MARK}"),
    ("decode", "--format", f"\u202e{MARK}", "00"),
    ("backfill", "--since", f"\x1b{MARK}"),
    ("import", "dynamodb", f"/nowhere\x9b{MARK}"),
    ("export", "--format", "csv", f"--\u202e{MARK}"),
    ("vehicle", "days", f"\x9b{MARK}"),
    ("vehicle", "list", f"\x9b{MARK}"),
    (f"nothing\x1b[2J{MARK}",),
    ("vehicle", f"--\u202e{MARK}"),
    ("vehicle", "list", "--dir", f"/nowhere\x1b{MARK}"),
)
SILENT = {
    ("rejected", "forget", "7", "--yes"),
    ("vehicle", "days", "A1"),
    ("decode", "--format", "ev", f"zz\x9b{MARK}"),
}
"""Which print numbers only, or of a payload the first character that is no hex digit."""


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command).encode("ascii", "replace").decode())
def test_no_command_lets_a_strangers_text_reach_the_terminal(
    place: Path, command: tuple[str, ...], as_json: bool
) -> None:
    extra = () if "--dir" in command else ("--dir", place)
    told = on_a_terminal(*command, *extra, *(("--json",) if as_json and command[0] != "decode" else ()))
    told.assert_plain()
    if command not in SILENT:
        assert MARK in told.text, "what it prints is not tried by this test"


def test_a_refused_request_is_shown_in_its_own_lines_and_no_others(place: Path) -> None:
    told = on_a_terminal("rejected", "show", "1", "--dir", place)
    body = told.text.partition("\n\n")[2].partition("\n\n")[2]
    assert FAKE_LINE in body, "a body has the lines that it has"
    Terminal(told.text.replace(f"\n{FAKE_LINE}\n", " ", 1).encode(), 0).assert_plain()
    assert '"token":"***"' in told.text
    assert "[bold red]loud[/bold red][/]" in told.text, "markup is text"


def test_the_live_stream_is_a_line_for_each_status(place: Path) -> None:
    for more in ((), ("--json",)):
        told = in_a_process("watch", "--dir", place, *more, until=lambda text: "loud" in text)
        told.assert_plain()
        assert "A1" in told.text
        assert len([line for line in told.text.splitlines() if "A1" in line]) == len(told.text.splitlines())


def test_markup_in_a_table_is_text(place: Path) -> None:
    assert (
        "[bold red]loud[/bold red][/] [link=http://x]y[/link]" in on_a_terminal("vehicle", "list", "--dir", place).text
    )


@contextmanager
def hostile_sigfox() -> Iterator[dict[str, str]]:
    with fake_sigfox() as fake:
        fake.refusals.extend([Answer(400, {"message": HOSTILE})] * 20)
        yield {"EVD_SIGFOX__API": fake.url, "EVD_SIGFOX__API_LOGIN": LOGIN, "EVD_SIGFOX__API_PASSWORD": PASSWORD}


def test_what_sigfox_says_reaches_no_terminal_but_as_text(place: Path) -> None:
    config = ("sigfox", "config", "--url", "https://evd.example", "--create", "--device-type", "t1")
    for command in (("backfill", "--since", "1h", "--device", "A1"), config):
        with hostile_sigfox() as env:
            told = in_a_process(*command, "--dir", place, env={**env, "EVD_SIGFOX_KEY": "key-of-evd"})
        told.assert_plain()
        assert MARK in told.text


def test_what_another_server_says_reaches_no_terminal_but_as_text(place: Path) -> None:
    detail = json.dumps({"Error": HOSTILE, "detail": HOSTILE}, ensure_ascii=False).encode()
    for command in (
        ("sigfox", "check"),
        ("simulate", "--count", "1", "--vehicles", "1", "--url"),
    ):
        with receiver(says("400 No\x9b", "content-type: application/json", "server: x\x9by", body=detail)) as server:
            env = {"EVD_SIGFOX_KEY": "key-of-evd", "EVD_KEY_SIGFOX": "k", "EVD_DEVICE_KEY": "k"}
            in_a_process(*command, server.url, env=env).assert_plain()


def test_a_log_on_a_terminal_is_plain(tmp_path: Path) -> None:
    init_keys = init(tmp_path / "evd")
    url: list[str] = []

    def send(text: str) -> bool:
        if not url and (found := re.search(r"http://127\.0\.0\.1:[0-9]+", text)):
            url.append(found[0])
            for path, content in (
                ("/sigfox/uplink", json.dumps({"device": HOSTILE, "time": 1, "data": HOSTILE}, ensure_ascii=False)),
                ("/sigfox/uplink?time=%1b%5b2J&device=%c2%9b", ""),
                ("/sigfox/batch", HOSTILE),
            ):
                headers = {"x-api-key": init_keys["sigfox"], "content-type": "text/plain" if "batch" in path else ""}
                assert httpx.post(url[0] + path, content=content.encode(), headers=headers).status_code == 400
        return text.count("a callback is rejected") == 3

    told = in_a_process("serve", "--dir", tmp_path / "evd", "--bind", "127.0.0.1:0", until=send)
    told.assert_plain()
    assert told.text.count("a callback is rejected") == 3
