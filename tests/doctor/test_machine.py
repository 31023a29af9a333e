"""The machine: its clock, descriptors, units and versions, looked at or judged."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doctor_place import examine, settings
from folders import ROOT

from evd.config.data_dir import DataDirectory
from evd.doctor import machine
from evd.doctor.finding import Diagnosis
from evd.doctor.place import look_around

UNIT = ROOT / "systemd" / "evd.service"
UNIT_OK = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled", "FragmentPath": "/x"}


def live_tomorrow(directory: Path) -> None:
    (directory / "alive").write_text(f"{int((time.time() + 86_400) * 1000):013d}\n")


@pytest.mark.parametrize(
    ("name", "make", "state", "what"),
    [
        ("clock", live_tomorrow, "fail", "behind the time that evd saw last"),
        ("descriptors", settings("[server]\nconnections_max = 1000000\n"), "warn", "need 1000256"),
    ],
)
def test_a_finding(name: str, make: Callable[[Path], Any], state: str, what: str, directory: Path) -> None:
    make(directory)
    verdict = examine(name, directory)
    assert (verdict.state, what in verdict.what) == (state, True), verdict
    assert bool(verdict.remedy) == (state in ("warn", "fail"))


@pytest.mark.parametrize(
    ("judged", "state"),
    [
        (machine.judge_clock(machine.ClockSeen(False, 0.0)), "warn"),
        (machine.judge_clock(machine.ClockSeen(True, 0.0)), "ok"),
        (machine.judge_clock(machine.ClockSeen(None, 0.0)), "skipped"),
        (machine.judge_versions(machine.VersionsSeen("2", "1", "cython", (3, 11, 7))), "warn"),
        (machine.judge_versions(machine.VersionsSeen("2", "2", "python", (3, 11, 7))), "warn"),
        (machine.judge_versions(machine.VersionsSeen("2", None, "cython", (3, 11, 7))), "ok"),
        (machine.judge_unit(machine.UnitSeen(None)), "skipped"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK)), "ok"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK | {"LoadState": "not-found"})), "warn"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK | {"ActiveState": "failed"})), "fail"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK | {"UnitFileState": "disabled"})), "warn"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK | {"NeedDaemonReload": "yes"})), "warn"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK | {"NRestarts": "9"})), "warn"),
        (machine.judge_hardening(machine.HardeningSeen(None, None)), "skipped"),
        (machine.judge_hardening(machine.HardeningSeen("/x", 1.1)), "ok"),
        (machine.judge_hardening(machine.HardeningSeen("/x", 9.2)), "warn"),
    ],
)
def test_a_judgement(judged: Diagnosis, state: str) -> None:
    assert judged.state == state
    assert bool(judged.remedy) == (state in ("warn", "fail"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_a_unit_that_was_weakened_is_found(tmp_path: Path) -> None:
    weak = tmp_path / "evd.service"
    text = UNIT.read_text("utf-8")
    weak.write_text("\n".join(line for line in text.splitlines() if not line.startswith(("Protect", "Private"))))
    found = machine.exposure(UNIT), machine.exposure(weak)
    assert [machine.judge_hardening(machine.HardeningSeen("/x", one)).state for one in found] == ["ok", "warn"], found


@pytest.mark.parametrize(
    ("judged", "state", "what"),
    [
        (machine.judge_clock(machine.ClockSeen(True, machine.BEHIND_MAX_S)), "ok", "synchronized"),
        (machine.judge_clock(machine.ClockSeen(False, 61.0)), "fail", "61 s behind"),
        (machine.judge_descriptors(machine.DescriptorsSeen(2304, 2048)), "ok", "2304 files, for 2048"),
        (machine.judge_descriptors(machine.DescriptorsSeen(2303, 2048)), "warn", "2048 connections need 2304"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK | {"NRestarts": "4"})), "ok", "/x is enabled and active"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK | {"NRestarts": "5"})), "warn", "restarted evd 5 times"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK | {"NRestarts": ""})), "ok", "/x is enabled"),
        (machine.judge_hardening(machine.HardeningSeen("/x", 2.0)), "ok", "2.0 of 10"),
        (machine.judge_hardening(machine.HardeningSeen("/x", None)), "skipped", "systemd-analyze is not here"),
        (machine.judge_versions(machine.VersionsSeen("2", "1", "python", (3, 11, 7))), "warn", "evd 1 runs, 2 is"),
    ],
)
def test_a_bound_is_still_good(judged: Diagnosis, state: str, what: str) -> None:
    assert (judged.state, what in judged.what) == (state, True), judged


def test_a_limit_without_end_is_enough(directory: Path) -> None:
    """The kernel's "infinity" is -1, less than any need."""
    place = look_around(DataDirectory(directory), {}, now_s=0.0)
    assert machine.look_at_descriptors(place).allowed > 0
