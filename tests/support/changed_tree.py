"""evd as it would be after a change of its source: a copy of the package, for a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from folders import ROOT


def changed_tree(folder: Path, changes: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """A copy of evd in `folder`; `changes` maps a file to a text in it and what stands there instead.

    Returns the environment in which Python imports the copy.
    """
    shutil.copytree(ROOT / "evd", folder / "evd", ignore=shutil.ignore_patterns("__pycache__", "*.c"))
    for name, (old, new) in changes.items():
        path = folder / "evd" / name
        source = path.read_text("utf-8")
        assert source.count(old) == 1, f"{name} does not hold {old!r} once"
        path.write_text(source.replace(old, new), "utf-8")
    return {"PYTHONPATH": str(folder)}
