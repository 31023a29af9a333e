"""evd export: what cannot be done together, an output that is whole or not there, and what a row shows of a place."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import Evd, send
from daemon_process import RunningDaemon

from evd.cli import export
from evd.cli.export import STDOUT, Wish, _opened, _refuse
from evd.errors import ConfigError
from evd.model.status import TIME_MAX_MS

WISH = Wish("statuses", "csv", (), 0, TIME_MAX_MS, packed=False, output="x.csv", exact=False)


@pytest.mark.parametrize(
    ("changes", "terminal", "says"),
    [
        ({"first": 5, "last": 4}, False, "--from is behind --until"),
        ({"table": "owners", "first": 5}, False, "owners have no such time"),
        ({"table": "registrations", "last": 5}, False, "registrations have no such time"),
        ({"format": "parquet", "packed": True}, False, "omit --gzip"),
        ({"format": "parquet", "output": STDOUT}, True, "no text for a terminal"),
        ({"packed": True, "output": STDOUT}, True, "no text for a terminal"),
        ({"format": "dynamodb", "table": "registrations", "output": STDOUT}, True, "are secrets and are not shown"),
    ],
)
def test_what_cannot_be_done_together_is_refused(
    changes: dict[str, Any], terminal: bool, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export.sys, "stdout", type("Screen", (), {"isatty": lambda self: terminal})())
    with pytest.raises(ConfigError, match=says):
        _refuse(WISH._replace(**changes))


@pytest.mark.parametrize(
    ("changes", "terminal"),
    [
        ({"first": 5, "last": 5}, True),
        ({"table": "owners"}, True),
        ({"format": "parquet", "output": STDOUT}, False),
        ({"format": "dynamodb", "table": "registrations", "output": STDOUT}, False),
        ({"format": "dynamodb", "table": "owners", "output": STDOUT}, True),
        ({"format": "csv", "table": "registrations", "output": STDOUT}, True),
    ],
)
def test_the_rest_is_done(changes: dict[str, Any], terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export.sys, "stdout", type("Screen", (), {"isatty": lambda self: terminal})())
    _refuse(WISH._replace(**changes))


def test_a_file_has_its_name_once_it_is_complete_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("of before")
    with pytest.raises(KeyboardInterrupt), _opened(WISH._replace(output=str(path))) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("x.csv", "of before")]
    with _opened(WISH._replace(output=str(path), packed=True)) as file:
        file.write(b"whole")
        assert path.read_text() == "of before"
    assert gzip.decompress(path.read_bytes()) == b"whole"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_an_export_of_the_same_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with _opened(WISH._replace(output=str(tmp_path / name), packed=True)) as file:
            file.write(b"rows")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes(), "no time of making stands in it"


def test_rows_are_of_the_vehicles_and_the_span_that_are_asked_for(
    shared: RunningDaemon, tmp_path: Path, evd: Evd
) -> None:
    for vehicle in ("F4A1", "F4A2"):
        for number in range(3):
            send(shared, vehicle, "130a4c0f", ago_s=7200 - 3000 * number, seqNumber=number)
    chosen = (
        "export",
        "--vehicle",
        "f4a1",
        "--vehicle",
        "F4A2",
        "--format",
        "csv",
        "--output",
        str(tmp_path / "x.csv"),
    )
    done = evd(*chosen, "--from", "100m")
    assert (done.code, done.err) == (0, f"4 statuses written to {tmp_path / 'x.csv'}\n")
    said = json.loads(evd(*chosen, "--from", "100m", "--json").err)
    assert said == {"written": 4, "table": "statuses", "output": str(tmp_path / "x.csv")}
    found = list(csv.DictReader(io.StringIO((tmp_path / "x.csv").read_text())))
    assert [row["vehicle"] for row in found] == ["F4A1", "F4A1", "F4A2", "F4A2"]
    assert all(int(row["time_ms"]) >= (time.time() - 6001) * 1000 for row in found)
    unknown = evd("export", "--vehicle", "F4FF", "--format", "csv", "--output", str(tmp_path / "y.csv"))
    assert (unknown.code, "vehicle F4FF is unknown" in unknown.err) == (2, True), unknown
    assert not (tmp_path / "y.csv").exists()


def test_owners_are_one_a_line_and_the_original_knew_no_viewers(tmp_path: Path, evd: Evd) -> None:
    evd("vehicle", "set", "F4B1")
    evd("owner", "add", "export-ann", "F4B1")
    evd("owner", "add", "export-ben", "F4B1", "--viewer")
    for form, users in (("ndjson", {"export-ann", "export-ben"}), ("dynamodb", {"export-ann"})):
        file = tmp_path / form
        evd("export", "--table", "owners", "--vehicle", "F4B1", "--format", form, "--output", str(file))
        text = file.read_text()
        assert {user for user in ("export-ann", "export-ben") if user in text} == users
        assert [json.loads(line) for line in text.splitlines()]
