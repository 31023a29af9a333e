"""Draws docs/soak.png from what `make soak` measured: memory, descriptors and threads over time, phases shaded."""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

from picture import COLOURS, DPI

ROOT = Path(__file__).parents[1]
SHADES = {
    "mixed": "#FFFFFF",
    "FCM down": "#F6D5C2",
    "duplicates": "#D6E6F2",
    "garbage": "#E3D3E8",
    "new connections": "#D3EBE2",
}
AT, RSS, DESCRIPTORS, THREADS, PHASE = range(5)


def draw(result: dict[str, Any], path: Path) -> None:
    """Ends the process with a sentence where matplotlib is missing."""
    try:
        import matplotlib
    except ImportError:
        sys.exit("the picture is drawn with matplotlib: .venv/bin/pip install -e '.[bench]'")
    matplotlib.use("agg")
    from matplotlib import patches, pyplot

    pyplot.rcParams.update({"font.size": 12, "axes.spines.top": False, "axes.spines.right": False})
    figure, (memory, counts) = pyplot.subplots(2, 1, figsize=(10.0, 6.0), dpi=DPI, sharex=True)
    samples = result["samples"]
    minutes = [one[AT] / 60 for one in samples]
    for axes in (memory, counts):
        for phase, group in groupby(samples, key=lambda one: one[PHASE]):
            part = list(group)
            axes.axvspan(part[0][AT] / 60, part[-1][AT] / 60, color=SHADES[phase], linewidth=0)
        axes.grid(True, axis="y", color="#DDDDDD", linewidth=0.8)
    memory.plot(minutes, [one[RSS] for one in samples], color=COLOURS["evd"], linewidth=2)
    memory.set_title("Resident memory (MiB)", loc="left", fontsize=13)
    memory.set_ylim(0, result["rss_max_mib"] + 30)
    memory.axhline(result["rss_max_mib"], color="#7F7F7F", linestyle="--", linewidth=1)
    memory.text(0, result["rss_max_mib"] + 1, "bound", color="#555555", fontsize=9)
    counts.plot(minutes, [one[DESCRIPTORS] for one in samples], color=COLOURS["go"], linewidth=2, label="descriptors")
    counts.plot(minutes, [one[THREADS] for one in samples], color=COLOURS["fastapi"], linewidth=2, label="threads")
    counts.set_title("Descriptors and threads", loc="left", fontsize=13)
    counts.set_ylim(bottom=0)
    counts.set_xlabel("minutes")
    counts.legend(loc="upper right", frameon=False)
    shown = [patches.Patch(facecolor=SHADES[name], edgecolor="#BBBBBB", label=name) for name in SHADES]
    figure.legend(handles=shown, loc="upper center", ncols=len(shown), frameon=False, bbox_to_anchor=(0.5, 0.945))
    slope = f"slope {result['slope_mib_h']:+.1f} MiB/h" if result["seconds"] >= 3600 else "too short for a slope"
    figure.suptitle(f"evd under {result['seconds'] / 60:g} minutes of mixed load, {slope}", fontsize=15, y=0.985)
    said = f"{result['machine']} · Python {result['python']} · {result['date']} · seed {result['seed']}"
    figure.text(0.5, 0.015, said, ha="center", color="#555555", fontsize=9)
    figure.tight_layout(rect=(0, 0.035, 1, 0.915))
    figure.savefig(path)
    pyplot.close(figure)


if __name__ == "__main__":
    draw(json.loads((ROOT / "bench" / "results" / "soak.json").read_text("utf-8")), ROOT / "docs" / "soak.png")
