"""Downlinks and vehicles' logs as people and programs use them: the commands and `/api/v1`, over a running daemon."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from builders import NOW, new_store
from daemon_process import RunningDaemon, init, run_evd, running_daemon

from evd.cli.times import When, duration_s, exact
from evd.errors import ConfigError
from evd.model.operations import Note
from evd.model.units import DAY_S

HEX = "0102030405060708"
GRAMMAR = "limit::uint:8 on:1:bool:7"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """With a format `wish` of two bytes, and three entries in logs."""
    directory = tmp_path_factory.mktemp("downlinks") / "evd"
    keys = init(directory)
    with closing(new_store(directory / "evd.db", capacity=1000)) as store:
        store.write(
            [
                Note("a", "386625", "error", "error", NOW, "It was silent for a day.", b"{}", NOW),
                Note("b", "386625", "event", "info", NOW + 60_000, "Its count started anew.", b"{}", NOW),
                Note("c", "", "event", "warn", NOW, "The contract of the group ends.", b"{}", NOW),
            ]
        )
    settings = f'[formats.wish]\ngrammar = "{GRAMMAR}"\n[sigfox]\ndownlinks_per_vehicle = 3\n'
    with running_daemon(directory, keys=keys, settings=settings) as one:
        yield one


def ask(
    daemon: RunningDaemon, method: str, path: str, body: Any = None, *, key: str | None = "admin"
) -> httpx.Response:
    headers = {} if key is None else {"x-api-key": daemon.keys[key]}
    return httpx.request(method, f"{daemon.url}/api/v1{path}", headers=headers, json=body)


def said(daemon: RunningDaemon, *arguments: str) -> str:
    done = run_evd(*arguments, "--dir", daemon.directory, env={"COLUMNS": "200"})
    assert done.returncode == 0, done.stderr
    text: str = done.stdout
    return text


def refused(daemon: RunningDaemon, *arguments: str) -> str:
    done = run_evd(*arguments, "--dir", daemon.directory)
    assert done.returncode in (1, 2), done.stdout
    assert "Traceback" not in done.stderr
    text: str = done.stderr
    return text


@pytest.mark.parametrize("path", ["/downlinks", "/vehicles/386625/downlinks", "/vehicles/386625/log", "/log"])
@pytest.mark.parametrize(("key", "status"), [("admin", 200), ("app", 403), ("sigfox", 403), (None, 401)])
def test_downlinks_and_logs_are_for_admins(daemon: RunningDaemon, path: str, key: str | None, status: int) -> None:
    assert ask(daemon, "GET", path, key=key).status_code == status


def test_a_log_begins_with_the_newest_entry(daemon: RunningDaemon) -> None:
    entries = ask(daemon, "GET", "/vehicles/00386625/log").json()
    assert entries[0] == {
        "time": NOW + 60_000,
        "vehicle": "386625",
        "kind": "event",
        "severity": "info",
        "text": "Its count started anew.",
        "received": NOW,
        "document": "{}",
    }
    assert [entry["time"] for entry in entries] == [NOW + 60_000, NOW]
    assert ask(daemon, "GET", "/vehicles/386625/log?limit=1").json() == entries[:1]
    assert [entry["vehicle"] for entry in ask(daemon, "GET", "/log").json()] == ["", "386625", "386625"]
    assert ask(daemon, "GET", "/vehicles/SILENT/log").json() == []


def test_the_commands_queue_list_and_cancel(daemon: RunningDaemon) -> None:
    row = json.loads(said(daemon, "downlink", "send", "abc", HEX, "--expires", "2d", "--json"))
    assert (row["vehicle"], row["payload"], row["expires"] - row["created"]) == ("ABC", HEX, 2 * DAY_S * 1000)
    number = str(row["number"])
    assert json.loads(said(daemon, "downlink", "list", "ABC", "--json")) == [row]
    table = said(daemon, "downlink", "list", "ABC", "--state", "queued")
    assert table.splitlines()[1].split()[:4] == [number, "ABC", HEX, "queued"]
    assert f" {exact(When(row['created']))} " in table
    assert said(daemon, "downlink", "cancel", number, "--yes") == f"downlink {number} for vehicle ABC is cancelled\n"
    assert "only queued ones can be cancelled" in refused(daemon, "downlink", "cancel", number, "--yes")
    assert json.loads(said(daemon, "downlink", "list", "ABC", "--state", "queued", "--json")) == []


def test_fields_are_given_one_by_one(daemon: RunningDaemon) -> None:
    text = said(
        *(daemon, "downlink", "send", "ABD"),
        *("--fields", "limit=16", "--fields", "on=true", "--format", "wish"),
    )
    assert "1080000000000000 waits for vehicle ABD to ask, until " in text
    assert re.search(r"until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(in \d+ d\)\n$", text)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("ABE", "0102"), "has 2 bytes, a downlink has exactly 8"),
        (("ABE",), "give either the payload as hex, or fields and their format"),
        (("ABE", "--fields", "limit", "--format", "wish"), "'limit' is not NAME=VALUE"),
        (("ABE", "--fields", "limit=much", "--format", "wish"), "'much' does not fit"),
        (("ABE", HEX, "--expires", "soon"), "'soon' is not a duration"),
        (("ABE", HEX, "--expires", "1s"), "expires_s is 1: it must be between 60 and 31536000"),
    ],
)
def test_a_wrong_command_is_reported_in_a_sentence(
    daemon: RunningDaemon, arguments: tuple[str, ...], part: str
) -> None:
    assert part in refused(daemon, "downlink", "send", *arguments)


def test_the_log_is_a_table_with_human_times(daemon: RunningDaemon) -> None:
    lines = said(daemon, "vehicle", "log", "386625").splitlines()
    assert [line.strip().split(maxsplit=5) for line in lines[1:]] == [
        ["2023-11-14", "22:14:20", "386625", "info", "event", "Its count started anew."],
        ["2023-11-14", "22:13:20", "386625", "error", "error", "It was silent for a day."],
    ]
    assert said(daemon, "vehicle", "log", "SILENT") == "Sigfox reported nothing.\n"
    assert len(json.loads(said(daemon, "vehicle", "log", "--json"))) == 3
    assert len(json.loads(said(daemon, "vehicle", "log", "--limit", "1", "--json"))) == 1


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("12h", 43_200), ("2d", 172_800), ("1w", 604_800)]
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "d", "2 d", "-2d", "2D", "1.5h", "2days", "9999999999d", "٢d"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a duration: write a number and s, m, h, d or w"):
        duration_s(text)
