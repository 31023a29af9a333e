"""evd doctor, the command: a line a finding with its remedy, and the exit code of the worst."""

from __future__ import annotations

from pathlib import Path

import pytest
from daemon_process import init, run_evd
from doctor_place import settings


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    init(tmp_path / "evd")
    return tmp_path / "evd"


def test_the_command(directory: Path) -> None:
    settings("[log]\nlevel = 'loud'\n")(directory)
    done = run_evd("doctor", "--dir", directory)
    assert done.returncode == 2
    assert f"FAIL     settings     {directory}/evd.toml, line 2: log.level is" in done.stdout
    assert f"→ correct it: evd does not start with it: editor {directory}/evd.toml" in done.stdout
    nowhere = run_evd("doctor", "--dir", directory / "nowhere", "--json")
    assert (nowhere.returncode, nowhere.stderr) == (2, "")
