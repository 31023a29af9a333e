"""`evd config`, in a directory without a database, too: files and sentences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evd.cli import main
from evd.config.described import SETTINGS


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The directory that the commands use; nothing of the environment's."""
    monkeypatch.setenv("EVD_DIR", str(tmp_path))
    return tmp_path / "evd.toml"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["config", *arguments])
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out, shown.err


def test_show_has_every_setting_and_no_secret(
    bare: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.write_text('[alerts]\nsmtp_password = "hunter2"\n')
    monkeypatch.setenv("EVD_LOG__LEVEL", "debug")
    _, out, _ = run(capsys, "show", "--json")
    rows: list[dict[str, Any]] = json.loads(out)
    assert [row["path"] for row in rows] == list(SETTINGS)
    by_path = {row["path"]: row for row in rows}
    assert by_path["log.level"] == {
        "path": "log.level",
        "value": "debug",
        "default": "info",
        "unit": "",
        "meaning": "The least severity that is logged.",
        "origin": "environment",
        "at": "environment variable EVD_LOG__LEVEL",
        "live": True,
    }
    assert by_path["alerts.smtp_password"]["at"] == f"{bare}, line 2"
    _, table, _ = run(capsys, "show", "--origin", "--changed")
    assert [line.split() for line in table.splitlines()[1:]] == [
        ["alerts.smtp_password", "(set,", "not", "shown)", "evd.toml:2"],
        ["log.level", '"debug"', "EVD_LOG__LEVEL"],
    ]
    assert "hunter2" not in out + table


def test_get_explains_one(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "get", "EVD_SERVER__IDLE_TIMEOUT_S")
    assert out.startswith("server.idle_timeout_s = 75 (s)\nWhen an idle connection is closed.")
    assert "Between 0.05 and 86400.\nIn the environment: EVD_SERVER__IDLE_TIMEOUT_S.\n" in out
    code, _, err = run(capsys, "get", "server.bound")
    assert code == 2
    assert "there is no setting server.bound; did you mean 'server.bind'?" in err


def test_check_finds_what_no_type_says(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check")
    assert (code, "absent, which is no mistake" in out) == (0, True)
    bare.write_text(
        '[server]\nbind = "8080"\ntrusted_proxies = ["x"]\n[sigfox]\nbatch_pattern = "{device},{tim}"\n'
        '[events]\nself_told_v1 = ["nothing"]\n[formats.t]\ngrammar = "a::uint:99"\n'
    )
    code, out, _ = run(capsys, "check", "--json")
    said = json.loads(out)
    assert (code, said["right"]) == (2, False)
    for begin in ("server.bind: '8080' is not an address", "server.trusted_proxies: ", "format t: ", "events.shown_by"):
        assert any(begin in one for one in said["mistakes"]), begin
    assert (
        "sigfox.batch_pattern: in '{device},{tim}' {tim} is no variable of Sigfox; did you mean {time}?"
        in said["mistakes"]
    )
    assert [row["today"] for row in said["old_names"]] == ["events.shown_by_v1"]


def test_migrate_keeps_a_copy(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "[events]  # mine\nself_told_original = []\n"
    bare.write_text(text)
    bare.chmod(0o640)
    _, out, _ = run(capsys, "migrate", "--json")
    said = json.loads(out)
    assert bare.read_text() == "[events]  # mine\nshown_by_original = []\n"
    assert Path(said["kept"]).read_text() == text
    assert bare.stat().st_mode & 0o777 == Path(said["kept"]).stat().st_mode & 0o777 == 0o640
    assert "has no old names" in run(capsys, "migrate")[1]
    bare.write_text("[log]\nlevel = 1\n")
    assert "line 2: log.level is 1" in run(capsys, "migrate")[2]
