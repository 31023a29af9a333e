"""What the nights showed: `make nightly` notes each step's last run in docs/nightly.json; docs/reliability.md shows it.

A test that counts something says so by `figure`; the step that runs it keeps the counts with the date.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- make nightly writes from here -->", "<!-- to here -->"


def figure(**counts: float) -> None:
    """Note what was counted, if a step of the nightly run asks for it; the numbers of several processes add up."""
    path = os.environ.get("FIGURES")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(counts) + "\n")


def noted(path: Path) -> dict[str, float]:
    """The sums of what was noted in a file."""
    sums: dict[str, float] = {}
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            for name, count in json.loads(line).items():
                sums[name] = round(sums.get(name, 0) + count, 2)
    return sums


def table(steps: Iterable[tuple[str, str]], results: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown of the steps (name, what it is) and their last runs; a step without one was not run."""
    lines = ["| Step | What | Last run | Result | Figures |", "|---|---|---|---|---|"]
    for name, what in steps:
        one = results.get(name)
        if one is None:
            lines.append(f"| `{name}` | {what} | – | not run | |")
            continue
        counts = ", ".join(f"{count:,} {title.replace('_', ' ')}" for title, count in one["figures"].items())
        result = f"{'passed' if one['passed'] else 'FAILED'} in {one['minutes']:,.1f} min"
        lines.append(f"| `{name}` | {what} | {one['date']} | {result} | {counts} |")
    return "\n".join(lines)


def replaced(document: str, rendered: str) -> str:
    """The document with the table between its marks."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{rendered}\n{END}{after}"
