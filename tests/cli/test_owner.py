"""Whose the files are: root leaves none behind that the service cannot write, and others get a sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from daemon_process import clean_env, init

from evd.config.data_dir import SECURE_PATH, DataDirectory
from evd.errors import ConfigError

NOBODY = 65534

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as others")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The directory of a service that runs as another user."""
    found = tmp_path / "evd"
    init(found)
    for path in (found, *found.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    return found


def test_root_leaves_no_file_that_the_service_cannot_write(directory: Path) -> None:
    command = [sys.executable, "-m", "evd", "key", "create", "--role", "app", "--dir", str(directory)]
    done = subprocess.run(command, env=clean_env(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path.name: path.stat().st_uid for path in directory.iterdir() if path.stat().st_uid != NOBODY} == {}


def test_who_may_not_read_it_gets_the_command_that_works(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(directory, 0, 0)
    directory.chmod(0o700)
    monkeypatch.setattr(sys, "argv", ["/opt/evd/bin/evd", "vehicle", "show", "A 1"])
    program = "evd" if shutil.which("evd", path=SECURE_PATH) else "/opt/evd/bin/evd"
    os.seteuid(NOBODY)
    try:
        with pytest.raises(ConfigError) as refused:
            DataDirectory(directory).require()
    finally:
        os.seteuid(0)
    assert str(refused.value) == f"{directory} is not yours to read: run `sudo {program} vehicle show 'A 1'`"
