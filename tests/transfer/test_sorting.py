"""Lines sorted on disk are as sorted in memory, with any number of runs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from evd.transfer import sorting
from evd.transfer.sorting import LINE_COST, SortedLines


@pytest.mark.parametrize("run_bytes", [1, 10 * (LINE_COST + 5), 1 << 20])
def test_lines_come_in_order_from_any_number_of_runs(
    run_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "RUN_BYTES", run_bytes)
    monkeypatch.setattr(sorting, "MERGED_MAX", 3)
    lines = [f"{number:05}".encode() for number in range(200)] + [b"", b"00007", "é\t".encode()]
    random.Random(5).shuffle(lines)
    with SortedLines(str(tmp_path)) as ordered:
        for line in lines:
            ordered.add(line)
        assert ordered.count == len(lines)
        assert list(ordered) == sorted(lines)
        runs = len(list(tmp_path.rglob("*"))) - 1
        assert (runs > 0) == (run_bytes < 1 << 20), "what fits into memory needs no file"
    assert list(tmp_path.iterdir()) == [], "nothing stays behind"
