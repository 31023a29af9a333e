"""Logs: one line an event, JSON or readable, and never a secret, whatever a caller hands over."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from daemon_process import READY_S, STOP_S, clean_env, init, start
from small_pipe import small_pipe

from evd.auth.api_keys import new_key
from evd.log.logger import configure, lines_dropped, log, redact
from evd.store.sqlite.connection import open_reader

KEY = new_key("sigfox")[0]
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1aWQifQ.c2lnbmF0dXJl"
FCM_TOKEN = "cX1-yZ_abcdefghijklmn:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx"


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "event",
    [
        {"event": f"wrong key {KEY}!"},
        {"event": "x", "path": f"/?key={KEY}"},
        {"event": "x", "key": KEY},
        {"event": "x", "headers": {"X-API-Key": "imported by a client"}},
        {"event": "x", "headers": {b"x-api-key": b"imported by a client"}},
        {"event": "x", "headers": {b"authorization": b"Bearer " + KEY.encode()}},
        {"event": "x", "raw": b"Authorization: Bearer " + KEY.encode()},
        {"event": f"Authorization: Basic {'QWxhZGRpbjpvcGVuIHNlc2FtZQ=='}"},
        {"event": "x", "lines": ["a", ("b", {"c": f"Bearer {JWT}"})]},
        {"event": f"refused {JWT}"},
        {"event": "x", "error": ValueError(f"bad {KEY}")},
        {"event": "x", "fcmToken": FCM_TOKEN},
        {"event": f"sent to {FCM_TOKEN}"},
        {"event": "x", "seen": {KEY}},
    ],
)
def test_no_secret_gets_through(event: dict[str, Any]) -> None:
    shown = repr(redact(None, "", event))
    assert "***" in shown
    for secret in (KEY, KEY.split("_")[3], JWT, FCM_TOKEN, "imported by a client", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="):
        assert secret not in shown


@pytest.mark.parametrize(
    "event",
    [
        {"event": "status stored", "vehicle": "386625", "n": 5, "share": 0.5, "ok": True, "none": None},
        {"event": "x", "list": [1, "two"], "nested": {"state": 1}},
        {"event": "the key is not known", "key_id": "Ab3dEf6h"},
        {"event": "evd_data is a folder"},
    ],
)
def test_what_is_no_secret_stays(event: dict[str, Any]) -> None:
    assert redact(None, "", event) == event


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure(format="json", env={})
    log.info("status stored", vehicle="386625", shown=KEY)
    line = json.loads(capsys.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "status stored", "level": "info", "vehicle": "386625", "shown": "***"}


def test_under_systemd_and_in_a_pipe_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    for env in ({"JOURNAL_STREAM": "8:1"}, {}):
        configure(env=env)
        log.info("x")
        assert json.loads(capsys.readouterr().err)["event"] == "x"


def test_text_is_readable(capsys: pytest.CaptureFixture[str]) -> None:
    configure(format="text", env={"NO_COLOR": "1"})
    log.warning("disk full", path="/x", token="abc")
    shown = capsys.readouterr().err
    assert "disk full" in shown
    assert "path=/x" in shown
    assert "token=***" in shown
    assert "\x1b" not in shown


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="warning", format="json", env={})
    log.info("quiet")
    log.error("loud")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["loud"]


def test_a_traceback_is_redacted_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure(format="json", env={})
    try:
        raise ValueError(f"no such key: {KEY}")
    except ValueError:
        log.exception("failed")
    shown = capsys.readouterr().err
    assert "ValueError" in shown
    assert KEY not in shown


def test_libraries_log_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure(format="json", env={})
    logger = logging.getLogger("hypercorn.error")
    logger.info("chatter")
    try:
        raise ValueError(KEY)
    except ValueError:
        logger.exception("wrong %s", KEY)
    shown = capsys.readouterr().err
    lines = [json.loads(line) for line in shown.splitlines()]
    assert [(line["level"], line["event"]) for line in lines] == [("error", "wrong ***")]
    assert KEY not in shown


class _Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("not even this")

    __repr__ = __str__


def test_a_line_that_cannot_be_made_is_dropped_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    configure(format="json", env={})
    log.error("what", value=_Unspeakable())
    logging.getLogger("hypercorn.error").error("what %s", _Unspeakable())
    assert lines_dropped() == 2
    log.error("fine")
    assert json.loads(capsys.readouterr().err)["event"] == "fine"


def _unread_pipe() -> int:
    end, start = small_pipe()
    _kept.append(end)
    return start


def _pipe_whose_reader_is_gone() -> int:
    end, start = os.pipe()
    os.close(end)
    return start


def _full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


_kept: list[int] = []


@pytest.mark.parametrize("stderr", [_unread_pipe, _pipe_whose_reader_is_gone, _full_disk])
def test_evd_takes_and_keeps_callbacks_whatever_becomes_of_its_log(tmp_path: Path, stderr: Callable[[], int]) -> None:
    keys = init(tmp_path / "evd")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    descriptor = stderr()
    command = ["-m", "evd", "serve", "--dir", str(tmp_path / "evd"), "--bind", address]
    with Path(os.devnull).open("r+b") as null:
        process = start(command, clean_env(), (null.fileno(), null.fileno(), descriptor))
    os.close(descriptor)
    try:
        with httpx.Client(base_url=f"http://{address}", headers={"x-api-key": keys["sigfox"]}) as client:
            for deadline in [time.monotonic() + READY_S]:
                while True:
                    try:
                        assert client.head("/online").status_code == 200
                        break
                    except httpx.TransportError:
                        assert time.monotonic() < deadline
                        time.sleep(0.05)
            for number in range(60):  # each is a line: more of them than the pipe holds
                bad = client.post("/sigfox/uplink", content=b'{"device": "%d' % number)
                assert bad.status_code == 400
            document = {"device": "386625", "time": 1_639_400_000, "data": "130a4c0f", "seqNumber": 1}
            assert client.post("/sigfox/uplink", json=document).status_code == 201
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == 0
    finally:
        process.kill()
        process.wait()
        while _kept:
            os.close(_kept.pop())
    reader = open_reader(tmp_path / "evd" / "evd.db")
    assert reader.execute("SELECT count(*) FROM rejected").fetchone() == (60,)
    reader.close()
