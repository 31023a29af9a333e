"""The directory of an evd: how it is found, and that one process at a time writes to it."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from daemon_process import clean_env
from dropped_rights import without_rights

from evd.config import data_dir as data_dir_module
from evd.config.data_dir import DataDirectory, Lock, find, service_directory, umask_of
from evd.errors import AlreadyRunning, ConfigError

SERVICE = Path("/service/evd")


@pytest.mark.parametrize(
    ("given", "env", "expected"),
    [
        ("/given", {"EVD_DIR": "/evd", "STATE_DIRECTORY": "/state"}, "/given"),
        (None, {"EVD_DIR": "/evd", "STATE_DIRECTORY": "/state"}, "/evd"),
        (None, {"STATE_DIRECTORY": "/state"}, "/state"),
        (None, {"STATE_DIRECTORY": "/state:/other"}, "/state"),
        (None, {"EVD_DIR": "", "STATE_DIRECTORY": "/state"}, "/state"),
        (None, {}, "/service/evd"),
    ],
)
def test_which_directory_it_is(given: str | None, env: dict[str, str], expected: str) -> None:
    assert find(given, env, service=lambda: SERVICE).directory == Path(expected)


def test_without_a_service_it_is_the_current_directory_with_settings_or_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = find(None, {}, service=lambda: None).directory
    assert found.is_absolute() and found.name == "evd" and found != tmp_path
    (tmp_path / "evd.toml").touch()
    assert find(None, {}, service=lambda: None).directory == tmp_path
    assert find(None, {}, service=lambda: SERVICE).directory == SERVICE


def test_the_service_says_where_its_directory_is(tmp_path: Path) -> None:
    units, usual = tmp_path / "units", tmp_path / "lib" / "evd"
    usual.parent.mkdir()
    assert service_directory(usual, [units]) is None
    usual.symlink_to(tmp_path / "private")  # DynamicUser=, and nobody but root may look where it leads
    assert service_directory(usual, [units]) == usual
    (units / "evd.service.d").mkdir(parents=True)
    (units / "evd.service").write_text("[Service]\nStateDirectory=cars\n")
    assert service_directory(usual, [tmp_path / "none", units]) == usual.parent / "cars"
    (units / "evd.service.d" / "own.conf").write_text('[Service]\nEnvironment="EVD_DIR=/srv/evd" A=b\n')
    assert service_directory(usual, [units]) == Path("/srv/evd")


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


def test_a_directory_without_a_database_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_dir_module, "service_directory", lambda: None)
    with pytest.raises(
        ConfigError, match=r"holds no evd\.db: name its directory with --dir, or `evd init` creates a first"
    ):
        DataDirectory(tmp_path).require()
    monkeypatch.setattr(data_dir_module, "service_directory", lambda: SERVICE)
    with pytest.raises(
        ConfigError, match="this machine's is in /service/evd, so leave --dir and EVD_DIR away"
    ) as second:
        DataDirectory(tmp_path).require()
    assert "init" not in str(second.value), "a second database is never suggested"
    monkeypatch.setattr(data_dir_module, "service_directory", lambda: tmp_path)
    with pytest.raises(ConfigError, match="`systemctl start evd-init` creates it"):
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


def test_the_group_may_read_only_where_the_directory_is_open_to_it(tmp_path: Path) -> None:
    for mode, umask in ((0o750, 0o027), (0o700, 0o077), (0o711, 0o077)):
        tmp_path.chmod(mode)
        assert umask_of(DataDirectory(tmp_path)) == umask
    assert umask_of(DataDirectory(tmp_path / "nowhere")) == 0o077


@pytest.mark.parametrize(("command", "mode"), [(["stats"], 0o000), (["serve"], 0o500), (["vehicle", "list"], 0o500)])
def test_who_may_not_open_the_directory_gets_a_sentence(tmp_path: Path, command: list[str], mode: int) -> None:
    directory = tmp_path / "evd"
    directory.mkdir()
    for name in ("evd.db", "evd.toml", "evd.lock"):
        (directory / name).touch(0o000)
    directory.chmod(mode)
    ended = subprocess.run(
        [sys.executable, "-m", "evd", *command, "--dir", str(directory)],
        env=clean_env(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=without_rights,
    )
    directory.chmod(0o700)
    assert ended.returncode in (1, 2)
    assert ended.stderr.startswith("evd: ")
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
