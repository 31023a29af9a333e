"""Where a doctor looks: settings that hold, the daemon that runs, and its environment."""

from __future__ import annotations

import os
from pathlib import Path

from evd.config.data_dir import DataDirectory
from evd.config.settings import Config
from evd.doctor import place
from evd.doctor.place import look_around


def test_settings_that_cannot_be_used_leave_what_holds_without_any(tmp_path: Path) -> None:
    (tmp_path / "evd.toml").write_text("[log]\nlevel = 'loud'\n")
    seen = look_around(DataDirectory(tmp_path), {}, now_s=1.0)
    assert "log.level is 'loud'" in seen.refused
    assert seen.config == Config()


def test_where_no_evd_runs_the_commands_own_environment_counts(tmp_path: Path) -> None:
    (tmp_path / "evd.lock").write_text(f"{os.getpid()} evd serve\n")
    seen = look_around(DataDirectory(tmp_path), {"EVD_LOG__LEVEL": "debug"}, now_s=1.0, url="https://x.org")
    assert (seen.statistics, seen.silent, seen.pid) == (None, "", None)
    assert (seen.config.log.level, seen.env, seen.url) == ("debug", {"EVD_LOG__LEVEL": "debug"}, "https://x.org")


def test_the_locks_holder_is_the_daemon(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    for text, pid in (("4711 evd serve\n", 4711), ("", None), ("evd serve\n", None)):
        directory.lock.write_text(text)
        assert place._pid(directory) == pid
    directory.lock.unlink()
    assert place._pid(directory) is None


def test_the_environment_of_a_process_is_read_where_it_may_be() -> None:
    assert place._environment(os.getpid())["PATH"] == os.environ["PATH"]
    assert place._environment(2**22 + 1) == {}, "no Linux has so high a number"
