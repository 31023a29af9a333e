"""The directory of an evd: how it is found, and that one process at a time writes to it."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from evd.config.data_dir import DataDirectory, Lock, find
from evd.errors import AlreadyRunning, ConfigError


@pytest.mark.parametrize(
    ("given", "env", "expected"),
    [
        ("/given", {"EVD_DIR": "/evd", "STATE_DIRECTORY": "/state"}, "/given"),
        (None, {"EVD_DIR": "/evd", "STATE_DIRECTORY": "/state"}, "/evd"),
        (None, {"STATE_DIRECTORY": "/state"}, "/state"),
        (None, {"STATE_DIRECTORY": "/state:/other"}, "/state"),
        (None, {"EVD_DIR": "", "STATE_DIRECTORY": "/state"}, "/state"),
    ],
)
def test_which_directory_it_is(given: str | None, env: dict[str, str], expected: str) -> None:
    assert find(given, env).directory == Path(expected)


def test_without_any_hint_it_is_the_users_data_folder() -> None:
    found = find(None, {}).directory
    assert found.is_absolute()
    assert found.name == "evd"


def test_a_relative_directory_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find("data", {}).directory == tmp_path / "data"


def test_its_files() -> None:
    data_dir = DataDirectory(Path("/data"))
    assert [path.name for path in (data_dir.settings, data_dir.database, data_dir.socket, data_dir.lock)] == [
        "evd.toml",
        "evd.db",
        "evd.sock",
        "evd.lock",
    ]


def test_a_directory_without_a_database_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"run `evd init --dir {tmp_path}` first"):
        DataDirectory(tmp_path).require()
    DataDirectory(tmp_path).database.touch()
    DataDirectory(tmp_path).require()


def test_a_second_evd_refuses_politely(tmp_path: Path) -> None:
    lock = Lock(DataDirectory(tmp_path))
    with pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}\) uses {tmp_path}: stop it first"):
        Lock(DataDirectory(tmp_path))
    lock.release()
    Lock(DataDirectory(tmp_path)).release()


def test_the_lock_of_another_process_ends_with_it(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from evd.config.data_dir import DataDirectory, Lock
lock = Lock(DataDirectory(Path({str(tmp_path)!r})))
print("locked", flush=True)
input()
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(AlreadyRunning, match=f"process {process.pid}"):
            Lock(DataDirectory(tmp_path))
        process.kill()
        process.wait()
    Lock(DataDirectory(tmp_path)).release()


def test_the_lock_is_the_owners_alone(tmp_path: Path) -> None:
    lock = Lock(DataDirectory(tmp_path))
    assert stat.S_IMODE(DataDirectory(tmp_path).lock.stat().st_mode) == 0o600
    lock.release()


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing/evd\.lock cannot be written"):
        Lock(DataDirectory(tmp_path / "missing"))


def test_a_lock_whose_holder_has_not_written_its_name_yet_is_worth_another_try(tmp_path: Path) -> None:
    with (tmp_path / "evd.lock").open("w") as taken:
        fcntl.flock(taken, fcntl.LOCK_EX)
        with pytest.raises(AlreadyRunning) as refused:
            Lock(DataDirectory(tmp_path))
    assert refused.value.briefly
