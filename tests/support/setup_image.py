"""A setup for tests: usual answers, what is planned for them, and a root below which it is done."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest
from folders import ROOT

from evd.cli.setup import UNITS
from evd.setup.answers import Answers
from evd.setup.plan import plan
from evd.setup.steps import File, Step

SHIPPED = {name: (ROOT / "evd" / "setup" / "units" / name).read_text("utf-8") for name in UNITS}
EVD = str(Path(sys.executable).parent / "evd")
OWN = Answers("evd.example.org", "own", EVD, certificate=b"chain", key=b"key")
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("systemd-sysusers") is None, reason="root and systemd-sysusers are needed"
)


def planned(answers: Answers) -> list[Step]:
    return plan(answers, SHIPPED)


def files(answers: Answers) -> dict[str, File]:
    return {step.path: step for step in planned(answers) if isinstance(step, File)}


def tree(root: Path) -> dict[str, tuple[int, str]]:
    """Each file and link: mode, and what is in it or where it leads."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(root))] = 0, str(path.readlink())
        elif path.is_file():
            found[str(path.relative_to(root))] = stat.S_IMODE(path.stat().st_mode), path.read_text("latin-1")
    return found


def image(tmp_path: Path) -> Path:
    """A root with users and groups of its own, and nothing else."""
    for name, line in (("passwd", "root:x:0:0::/root:/bin/sh"), ("group", "root:x:0:")):
        (tmp_path / "image" / "etc").mkdir(parents=True, exist_ok=True)
        (tmp_path / "image" / "etc" / name).write_text(f"{line}\n")
    return tmp_path / "image"
