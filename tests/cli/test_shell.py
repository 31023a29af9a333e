"""`evd shell`: one statement of the command line, or a script on stdin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from daemon_process import init, run_evd


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("shell") / "evd"
    init(directory)
    return directory


def test_a_statement_is_answered_as_a_table_or_as_json(place: Path) -> None:
    done = run_evd("shell", "SELECT role, x'00ff' AS bytes FROM keys ORDER BY role", "--dir", place)
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["role", "bytes"], ["admin", "00ff"], ["app", "00ff"], ["device", "00ff"], ["sigfox", "00ff"]
    ]  # fmt: skip
    done = run_evd("shell", "SELECT count(*) AS n FROM keys", "--json", "--dir", place)
    assert json.loads(done.stdout) == [{"n": 4}]


def test_a_script_is_read_up_to_each_semicolon_and_ends_at_a_mistake(place: Path) -> None:
    script = "SELECT 1\n  AS one;\n.schema modems\nDELETE FROM keys;\nSELECT 'never';\n"
    done = run_evd("shell", "--dir", place, stdin=script)
    assert [line.strip() for line in done.stdout.splitlines()[:3]] == ["one", "1", "CREATE TABLE modems ("]
    assert (done.returncode, "never" in done.stdout) == (2, False)
    assert "attempt to write a readonly database" in done.stderr
    assert run_evd("shell", "--dir", place, stdin=".names\n.quit\n.nothing\n").returncode == 0
    assert "`.help` shows what is" in run_evd("shell", "--dir", place, stdin=".nothing\n").stderr
    assert "no view or table 'modem': `.names`" in run_evd("shell", "--dir", place, stdin=".schema modem\n").stderr
