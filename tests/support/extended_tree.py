"""A copy of evd's source with a file more and a row more: what somebody who extends evd would check in."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from folders import ROOT

Edits = Mapping[str, str]
"""What stands once in a file → what stands there then."""

NOTHING: Mapping[str, Any] = {}


def extended_tree(
    directory: Path, *, files: Mapping[str, str] = NOTHING, edits: Mapping[str, Edits] = NOTHING
) -> dict[str, str]:
    """Make the tree below `directory`; gives the environment in which a process imports it in place of evd.

    `files` maps a path below evd/ to the text of a new file, `edits` one to its changes. What is compiled stays as it
    is, so a change to a .pyx does nothing.
    """
    tree = directory / "tree"
    shutil.copytree(ROOT / "evd", tree / "evd", ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in files.items():
        assert not (tree / "evd" / path).exists(), f"{path} is no new file"
        (tree / "evd" / path).parent.mkdir(exist_ok=True)
        (tree / "evd" / path).write_text(text, "utf-8")
    for path, changes in edits.items():
        source = (tree / "evd" / path).read_text("utf-8")
        for before, after in changes.items():
            assert source.count(before) == 1, f"{before!r} stands {source.count(before)} times in {path}"
            source = source.replace(before, after)
        (tree / "evd" / path).write_text(source, "utf-8")
    # Safe: neither the folder in which a process starts nor that of its script comes before the tree.
    return {"PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}
