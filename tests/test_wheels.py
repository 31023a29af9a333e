"""The wheel and the source archive: whoever builds them has the same bytes, and evd runs from them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from locked import locked_versions

from evd.version import VERSION

ROOT = Path(__file__).parents[1]


class Built(NamedTuple):
    archive: Path
    wheel: Path
    constraints: Path
    """NAME==VERSION of all that the lock has."""


def run(*command: str | Path, **env: str) -> str:
    done = subprocess.run([*map(str, command)], env={**os.environ, **env}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def build(source: Path, into: Path, constraints: Path, *flags: str) -> Path:
    """What was built: in an environment of its own that has nothing but what pyproject.toml asks for."""
    stamp = run("git", "-C", ROOT, "log", "-1", "--format=%ct").strip()
    run(
        *(sys.executable, "-m", "build", *flags, "-o", into, source),
        PIP_CONSTRAINT=str(constraints),
        SOURCE_DATE_EPOCH=stamp,
    )
    (made,) = into.iterdir()
    return made


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The archive of a clone, and the wheel that is built from that archive."""
    folder = tmp_path_factory.mktemp("built")
    constraints = folder / "constraints"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in locked_versions().items()))
    run("git", "clone", "-q", ROOT, folder / "clone")
    archive = build(folder / "clone", folder / "archive", constraints, "--sdist")
    run("tar", "-xzf", archive, "-C", folder)
    wheel = build(folder / archive.name.removesuffix(".tar.gz"), folder / "wheel", constraints, "--wheel")
    yield Built(archive, wheel, constraints)


@pytest.mark.nightly
def test_whoever_builds_has_the_same_archive_and_the_same_wheel(built: Built, tmp_path: Path) -> None:
    """From another clone, in another folder, and the wheel from the tree, not from the archive."""
    run("git", "clone", "-q", ROOT, tmp_path / "another folder")
    archive = build(tmp_path / "another folder", tmp_path / "archive", built.constraints, "--sdist")
    wheel = build(tmp_path / "another folder", tmp_path / "wheel", built.constraints, "--wheel")
    assert (archive.name, digest(archive)) == (built.archive.name, digest(built.archive))
    assert (wheel.name, digest(wheel)) == (built.wheel.name, digest(built.wheel))


@pytest.mark.nightly
def test_evd_runs_from_the_archives_wheel_in_an_empty_environment(built: Built, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "empty")
    python = tmp_path / "empty/bin/python"
    run(python, "-m", "pip", "install", "-q", "-c", built.constraints, built.wheel)
    assert VERSION in run(tmp_path / "empty/bin/evd", "--version")
    run(python, "-c", "import evd._codec, evd.ingest._fast_path, evd.store.sqlite._commit_thread")
    run(tmp_path / "empty/bin/evd", "init", "--dir", tmp_path / "evd")
    assert (tmp_path / "evd/evd.db").exists()
    run(python, "-m", "pip", "check")
