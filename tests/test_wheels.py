"""The wheel: whoever builds it, from the repository or from the source archive, has the same files."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def built(source: Path, into: Path, *flags: str) -> dict[str, bytes]:
    """The wheel's files."""
    command = [sys.executable, "-m", "build", "--no-isolation", *flags, "-o", str(into), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = into.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.nightly
def test_the_wheel_of_the_tree_and_that_of_the_source_archive_are_the_same(tmp_path: Path) -> None:
    for name in ("one", "other"):
        subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / name)], check=True)
    of_tree = built(tmp_path / "one", tmp_path / "tree", "--wheel")
    of_archive = built(tmp_path / "other", tmp_path / "archive")  # the archive first, the wheel from it
    assert of_tree.keys() == of_archive.keys()
    assert [name for name, content in of_tree.items() if of_archive[name] != content] == []
