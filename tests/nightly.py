"""`make nightly`: what takes too long for `make test`, step by step, and at the end which steps failed.

Names of steps as arguments run these only. Each step notes date, result and figures in docs/nightly.json, from which
the table in docs/reliability.md is written. The environment shortens a step (`SOAK_S=300`), and its figures say so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from nightly_figures import noted, replaced, table  # noqa: E402  # found by the line above

RESULTS, DOCUMENT = ROOT / "docs" / "nightly.json", ROOT / "docs" / "reliability.md"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider")
SYSTEMD = ("tests/daemon/test_systemd.py", "tests/daemon/test_previous_exit.py")

DIFFERENTIAL = (
    "tests/faults/test_fast_path_mutants.py",
    "tests/faults/test_two_doors.py",
    "tests/faults/test_behind_proxies.py",
    "tests/payload/test_codec_laws.py",
)


class Step(NamedTuple):
    """`minutes` is about how long it takes on two cores."""

    name: str
    what: str
    minutes: int
    command: tuple[str, ...]
    env: Mapping[str, str] = MappingProxyType({})


NO_CRASHES = "--ignore=tests/faults/test_push_crash.py"
"""The step `crashes` has its own number of kills."""

APART = ("--ignore=tests/faults", "--ignore=tests/simulation", "--ignore=tests/test_wheels.py")
"""They have steps of their own."""

STEPS = (
    Step("burst", "100,000 callbacks over 1,000 connections", 1, ("make", "burst")),
    Step("crashes", "50 times kill -9 under load", 5, ("make", "crashes")),
    Step("faults", "200 kills, 50 power cuts, all defects on purpose", 30, (*PYTEST, "-s", "tests/faults", NO_CRASHES),
         {"NIGHTLY": "1", "KILLS": "200", "CUTS": "50"}),
    Step("simulation", "20,000 seeds in virtual time", 90, (*PYTEST, "-n", "2", "--dist", "load", "tests/simulation"),
         {"SEEDS": "20000", "FIRST": "1000"}),
    Step("fuzz", "ten minutes of foreign bytes, watched by atheris", 11, ("make", "fuzz-atheris"), {"FUZZ_S": "600"}),
    Step("asan", "the same by mutation, under AddressSanitizer", 12, ("make", "fuzz-asan"), {"FUZZ_S": "600"}),
    Step("soak", "an hour of mixed load", 65, ("make", "soak"), {"SOAK_S": "3600"}),
    Step("tests", "the tests that `make test` leaves out", 4, (*PYTEST, "-m", "nightly", *APART), {"NIGHTLY": "1"}),
    Step("differential", "1,000,000 bodies, 10,000 wires, 5,000 plans for the twins and the proxies", 30,
         (*PYTEST, "-s", *DIFFERENTIAL), {"BODIES": "1000000", "WIRES": "10000", "EXAMPLES": "5000"}),
    Step("systemd", "a log of a GiB, a freeze of 35 s", 4, (*PYTEST, *SYSTEMD), {"NIGHTLY": "1"}),
    Step("docs", "the documents as a site, every link", 1, ("make", "docs")),
    Step("wheels", "wheels and the source archive, each in an empty environment", 8, ("make", "wheels")),
    Step("phones", "the field's cases of pushes, at their size", 5, (*PYTEST, "tests/system/test_push_field_cases.py"),
         {"FIELD_PHONES": "2000"}),
    Step("supply", "archive and wheel made twice, and the document of what evd is made of", 10,
         ("make", "rebuild", "sbom")),
    Step("growth", "ten million rows", 40, ("make", "bench-growth")),
)  # fmt: skip


def results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    return found


def note(step: Step, passed: bool, minutes: float, figures: Mapping[str, float]) -> None:
    """Keep a step's last run."""
    date = time.strftime("%Y-%m-%d", time.gmtime())
    one = {"date": date, "passed": passed, "minutes": round(minutes, 1), "figures": dict(figures)}
    known = {**results(), step.name: one}
    ordered = {name: known[name] for name in (step.name for step in STEPS) if name in known}
    RESULTS.write_text(json.dumps(ordered, indent=2) + "\n", "utf-8")


def render() -> None:
    """Write the table in docs/reliability.md again."""
    rendered = table([(step.name, step.what) for step in STEPS], results())
    DOCUMENT.write_text(replaced(DOCUMENT.read_text("utf-8"), rendered), "utf-8")


def main(names: list[str]) -> int:
    unknown = set(names) - {step.name for step in STEPS}
    if unknown:
        print(f"nightly: there is no step {', '.join(sorted(unknown))}: {', '.join(step.name for step in STEPS)}")
        return 2
    steps = [step for step in STEPS if not names or step.name in names]
    done: list[tuple[Step, bool, float]] = []
    for number, step in enumerate(steps, 1):
        print(f"\n[{number}/{len(steps)}] {step.name}: {step.what} (some {step.minutes} min)", flush=True)
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            figures = Path(folder) / "figures"
            env = {**step.env, **os.environ, "FIGURES": str(figures)}
            fine = subprocess.run(step.command, cwd=ROOT, env=env, check=False).returncode == 0
            asked = {name.lower(): int(env[name]) for name in ("KILLS", "CUTS") if name in step.env}
            done.append((step, fine, time.monotonic() - begun))
            note(step, fine, done[-1][2] / 60, {**asked, **noted(figures)})
    render()
    print()
    for step, fine, seconds in done:
        print(f"{'passed' if fine else 'FAILED'}  {step.name:8}  {seconds / 60:5.1f} min")
    return 0 if all(fine for _, fine, _ in done) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
