"""Logs: one line an event, JSON or readable, and never a secret, whatever a caller hands over."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from evd.auth import new_key
from evd.log import configure, log, redact

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
