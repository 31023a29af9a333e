"""`make wheels`: the archives of a release in dist/, each tried in an empty environment.

A wheel of this machine's Python and architecture with the compiled parts (auditwheel says for which Linux), a pure one
with the Python twins, and the source archive. Each is installed where nothing else is, without a compiler for the
wheels, and runs `evd demo`. An aarch64 wheel is made by the same command on such a machine, or in an emulated one:
`docker run --platform linux/arm64 -v .:/evd -w /evd python:3.11 make wheels`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
DEMO_S = 10
NO_COMPILER = {"CC": "/bin/false", "CXX": "/bin/false"}


def run(*command: str | Path, **env: str) -> str:
    """Its output. Raises CalledProcessError, after it was printed."""
    done = subprocess.run(
        [str(one) for one in command], cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        done.check_returncode()
    return done.stdout + done.stderr


def build(work: Path) -> list[Path]:
    """The archives, in DIST."""
    shutil.rmtree(DIST, ignore_errors=True)
    run("git", "clone", "-q", ROOT, work / "tree")  # what is not in the repository is in no archive
    run(sys.executable, "-m", "build", "--sdist", "-o", DIST, work / "tree")
    (archive,) = DIST.glob("*.tar.gz")
    # From the archive, in an environment that has only what pyproject.toml asks for.
    run(sys.executable, "-m", "build", "--wheel", "-o", work / "built", unpacked(archive, work / "source"))
    (built,) = (work / "built").glob("*.whl")
    print(run(sys.executable, "-m", "auditwheel", "repair", built, "-w", DIST, PATH=path_with_tools()).strip())
    run(sys.executable, "-m", "build", "--wheel", "-o", DIST, unpacked(archive, work / "pure"), EVD_PURE="1")
    return sorted(DIST.iterdir())


def path_with_tools() -> str:
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def unpacked(archive: Path, into: Path) -> Path:
    shutil.unpack_archive(archive, into, filter="data")
    (tree,) = into.iterdir()
    return tree


def tried(archive: Path, work: Path) -> str:
    """Install it where nothing is and run the demo. The codec that it has; raises if it does not work."""
    place = work / f"venv-{archive.name}"
    venv.create(place, with_pip=True)
    without = NO_COMPILER if archive.suffix == ".whl" else {}
    run(place / "bin/pip", "install", "-q", archive, **without)
    demo = run(place / "bin/evd", "demo", "--bind", "127.0.0.1:0", "--for", str(DEMO_S))
    assert "201" in demo or "push" in demo, demo
    return run(
        place / "bin/python", "-I", "-c", "from evd.payload.codec import IMPLEMENTATION; print(IMPLEMENTATION)"
    ).strip()


def main(arguments: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="evd-wheels-") as folder:
        work = Path(folder)
        archives = build(work)
        for archive in archives:
            codec = tried(archive, work)
            expected = "python" if archive.name.endswith("-none-any.whl") else "cython"
            print(f"{archive.name}: {archive.stat().st_size // 1024} KiB, codec {codec}")
            assert codec == expected, f"{archive.name} has the codec {codec}, not {expected}"
    print(f"{len(archives)} archives in {DIST.relative_to(ROOT)}/ work in an empty environment")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
