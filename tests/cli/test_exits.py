"""Exit codes mean causes: the documented table, and with --json the same as the last line of stderr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import fails
from daemon_process import init, run_evd
from folders import ROOT

import evd.cli
from evd import errors
from evd.cli import cli
from evd.cli.exits import CAUSES, cause_of, cause_with
from evd.config.data_dir import DataDirectory, Lock
from evd.net.client.control_socket import DaemonNotRunning


def test_the_table_in_the_documents_is_the_one_of_the_program() -> None:
    documented = (ROOT / "docs" / "commands.md").read_text("utf-8")
    rows = [f"| {cause.code} | {cause.name} | {cause.meaning} |" for cause in CAUSES]
    assert "\n".join(["|---|---|---|", *rows, ""]) in documented
    assert len({cause.code for cause in CAUSES}) == len(CAUSES)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("x"), 2),
        (errors.AlreadyRunning("x"), 3),
        (DaemonNotRunning("x"), 4),
        (errors.ControlError("x"), 1),
        (errors.HttpTimeout("x"), 5),
        (errors.Unreachable("x", 1.0), 5),
        (errors.StoreRefused("x"), 7),
        (errors.StoreDamaged("x"), 7),
        (errors.StoreAway("x"), 1),
        (errors.StoreHangs("x"), 70),
        (errors.CannotListen("x"), 1),
        (errors.BackupError("x"), 1),
    ],
)
def test_an_error_has_the_code_of_its_cause(error: errors.EvdError, code: int) -> None:
    assert cause_of(error).code == code
    assert cause_with(code).code == code


def test_with_json_the_last_line_of_stderr_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = fails(capsys, "stats", "--json", "--dir", str(tmp_path))
    said = json.loads(lines[-1])["error"]
    assert (code, said["code"], said["cause"]) == (2, 2, "wrong")
    assert lines[0] == f"evd: {said['sentence']}"
    code, lines = fails(capsys, "stats", "--jsn", "--json")
    assert json.loads(lines[-1])["error"]["code"] == code == 2
    assert len(fails(capsys, "stats", "--dir", str(tmp_path))[1]) == 1, "without --json there is the sentence alone"


def test_who_waits_in_vain_for_another_evd_gets_the_code_of_it(tmp_path: Path) -> None:
    init(tmp_path)
    lock = Lock(DataDirectory(tmp_path))
    done = run_evd("serve", "--dir", tmp_path)
    lock.release()
    assert (done.returncode, "stop it first" in done.stderr) == (3, True)
    assert run_evd("reload", "--dir", tmp_path).returncode == 4


def test_ctrl_c_is_an_interruption(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(context: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "invoke", interrupted)
    code, lines = fails(capsys, "stats", "--json")
    assert (code, lines[-2:]) == (
        130,
        ["evd: interrupted", '{"error":{"cause":"interrupted","code":130,"sentence":"interrupted"}}'],
    )


def test_a_fault_of_evds_own_is_a_sentence_and_a_traceback_only_for_who_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("a secret, perhaps")

    monkeypatch.setattr(evd.cli.cli, "main", fail)
    with pytest.raises(SystemExit, match="1"):
        evd.cli.main(["stats"])
    assert capsys.readouterr().err == (
        "evd: internal error (KeyError): please report it; EVD_TRACEBACK=1 shows a traceback\n"
    )
    monkeypatch.setenv("EVD_TRACEBACK", "1")
    with pytest.raises(SystemExit, match="1"):
        evd.cli.main(["stats"])
    assert "in fail" in capsys.readouterr().err
