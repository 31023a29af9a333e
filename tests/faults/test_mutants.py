"""The tests of faults can fail: each of these defects is found by one of them.

A defect is a patch of evd's sources. One that does not apply any more is made anew: it must still be the same defect.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from folders import ROOT, TESTS
from loop_disk import can_mount

PATCHES = TESTS / "faults" / "mutants"
NIGHTLY = "NIGHTLY" in os.environ
FOUND_WITHIN_S = 1800.0
"""As long as all of these tests take at night."""

POWER_CUT = "tests/faults/test_power_cut.py::test_what_was_acknowledged_outlives_a_power_cut"

FOUND_BY = {
    "a_commits_are_not_synced": POWER_CUT,
    "b_acknowledged_before_the_commit": POWER_CUT,
    "c_pushes_are_settled_before_they_are_sent": "tests/faults/test_push_crash.py",
    "d_repeats_are_stored_again": "tests/faults/test_kill.py",
    "e_a_repeat_is_acknowledged_before_its_original": "tests/faults/test_disk_errors.py -k hangs",
    "f_a_full_disk_is_no_error": "tests/faults/test_full_disk.py",
    "g_a_newer_status_is_forgotten_during_a_push": "tests/simulation/test_seeds.py",
}
SIMULATED = (
    "b_acknowledged_before_the_commit",
    "d_repeats_are_stored_again",
    "g_a_newer_status_is_forgotten_during_a_push",
)
"""The simulation finds these within a few seeds, in each CI run."""
ON_A_DISK_OF_ITS_OWN = {"a_commits_are_not_synced", "b_acknowledged_before_the_commit", "f_a_full_disk_is_no_error"}
QUICK = {"b_acknowledged_before_the_commit", "d_repeats_are_stored_again"}
"""Those of each CI run; `make nightly` has all."""


def broken_tree(folder: Path, patch: Path, *parts: str) -> Path:
    """A copy of these parts of the tree, with the patch."""
    kept_out = shutil.ignore_patterns("__pycache__", "node_modules")
    for name in parts:
        shutil.copytree(ROOT / name, folder / name, ignore=kept_out)
    shutil.copy(ROOT / "pyproject.toml", folder)
    applied = subprocess.run(
        ["git", "apply", "--verbose", str(patch)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert applied.returncode == 0, f"make {patch.name} anew: {applied.stderr}"
    return folder


@pytest.mark.parametrize("name", FOUND_BY)
def test_a_defect_is_found(tmp_path: Path, name: str) -> None:
    if not NIGHTLY and name not in QUICK:
        pytest.skip("too long: `make nightly` runs it")
    if name in ON_A_DISK_OF_ITS_OWN and not can_mount():
        pytest.skip("mounting an ext4 from a file needs root, a loop device and mkfs.ext4")
    assert_found(name, tmp_path / "tree", FOUND_BY[name])


@pytest.mark.parametrize("name", SIMULATED)
def test_the_simulation_finds_a_defect(tmp_path: Path, name: str) -> None:
    assert_found(name, tmp_path / "tree", "tests/simulation/test_seeds.py -k promise", SEEDS="20", FIRST="0")


def assert_found(name: str, folder: Path, test: str, **env: str) -> None:
    """The test fails in a tree with this defect, and of an assertion."""
    tree = broken_tree(folder, PATCHES / f"{name}.patch", "evd", "tests")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *test.split()]
    ran = subprocess.run(
        command,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=FOUND_WITHIN_S,
    )
    failures = re.findall(r"^E +(.*)", ran.stdout, re.MULTILINE)
    print(f"{name}: {failures[:1]}")
    assert ran.returncode == 1, f"nothing found it:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}"
    assert failures[0].startswith(("AssertionError", "assert ")), f"it failed of something else: {failures[0]}"


@pytest.mark.parametrize("name", FOUND_BY)
def test_a_defect_can_be_made(tmp_path: Path, name: str) -> None:
    broken_tree(tmp_path / "tree", PATCHES / f"{name}.patch", "evd")


def test_every_patch_has_its_test() -> None:
    assert {patch.stem for patch in PATCHES.glob("*.patch")} == set(FOUND_BY)
