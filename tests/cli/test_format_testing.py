"""`evd format test`: right, wrong, none, and the example of the documents."""

from __future__ import annotations

import json
from pathlib import Path

from daemon_process import run_evd
from folders import ROOT

TESTED = """
[formats.trailer]
grammar = "load::uint:8 temp::int:16"
fields.temp.scale = 0.1
[formats.trailer.tests]
"2a015e" = { load = 42, temp = 35.0 }
"2a" = { load = 43, temp = "null" }
[formats.other]
grammar = "load::uint:8"
"""


def test_the_tests_beside_a_format_are_run(tmp_path: Path) -> None:
    (tmp_path / "evd.toml").write_text(TESTED)
    done = run_evd("format", "test", "--dir", tmp_path)
    assert (done.returncode, done.stdout) == (1, "trailer 2a: load is 42, not 43\n1 of 2 tests are right.\n")
    rows = json.loads(run_evd("format", "test", "trailer", "--json", "--dir", tmp_path).stdout)
    assert [(row["payload"], row["right"]) for row in rows] == [("2a015e", True), ("2a", False)]
    assert run_evd("format", "test", "other", "--dir", tmp_path).stdout.startswith("0 of 0 tests are right.\nWrite ")
    unknown = run_evd("format", "test", "trialer", "--dir", tmp_path)
    assert (unknown.returncode, "trailer" in unknown.stderr) == (2, True)


def test_the_formats_of_the_documentation_pass_their_tests(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "formats.md").read_text("utf-8")
    (tmp_path / "evd.toml").write_text(text.partition("```toml\n")[2].partition("```")[0])
    done = run_evd("format", "test", "--dir", tmp_path)
    assert (done.returncode, done.stdout) == (0, "2 of 2 tests are right.\n")
