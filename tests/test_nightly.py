"""The nightly run's figures in docs/reliability.md."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
from folders import ROOT
from nightly_figures import END, figure, noted, replaced, table

DOCUMENT = (ROOT / "docs" / "reliability.md").read_text("utf-8")
STEPS = [(step.name, step.what) for step in runpy.run_path(str(ROOT / "tests" / "nightly.py"))["STEPS"]]


def test_the_document_shows_what_the_nights_noted() -> None:
    results = json.loads((ROOT / "docs" / "nightly.json").read_text("utf-8"))
    assert results.keys() <= {name for name, _ in STEPS}
    assert replaced(DOCUMENT, table(STEPS, results)) == DOCUMENT, "make nightly STEPS= writes it again"
    assert DOCUMENT.count(END) == 1


def test_a_step_that_was_not_run_says_so_and_a_failed_one_too() -> None:
    run = {"date": "2026-11-28", "passed": False, "minutes": 1.25, "figures": {"seeds": 20_000}}
    lines = table([("a", "this"), ("b", "that")], {"a": run}).splitlines()
    assert lines[2] == "| `a` | this | 2026-11-28 | FAILED in 1.2 min | 20,000 seeds |"
    assert lines[3] == "| `b` | that | – | not run | |"


def test_figures_of_several_processes_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIGURES", str(tmp_path / "figures"))
    figure(seeds=10)
    figure(seeds=5, kills=1)
    assert noted(tmp_path / "figures") == {"seeds": 15, "kills": 1}
    assert noted(tmp_path / "none") == {}
