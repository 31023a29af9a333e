"""Draws what peers.py measured: callbacks a second and the slowest hundredth, over connections, a line for each server.

Colours are of Okabe and Ito's palette, which colour-blind people can tell apart; lines differ in their marks, too.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

COLOURS = {"evd": "#D55E00", "go": "#0072B2", "go-single": "#56B4E9", "fastapi": "#009E73", "nginx": "#7F7F7F"}
MARKS = {"evd": "o", "go": "s", "go-single": "D", "fastapi": "^", "nginx": "v"}
WIDTH_IN, HEIGHT_IN, DPI = 10.0, 5.2, 160  # 1,600 px, so that its letters stay sharp at 800


def draw(result: dict[str, Any], path: Path) -> None:
    """Write the PNG. Ends the process with a sentence where matplotlib is missing."""
    try:
        import matplotlib
    except ImportError:
        sys.exit("the picture is drawn with matplotlib: .venv/bin/pip install -e '.[bench]'")
    matplotlib.use("agg")
    from matplotlib import pyplot, ticker

    pyplot.rcParams.update({"font.size": 12, "axes.spines.top": False, "axes.spines.right": False})
    figure, (rates, latencies) = pyplot.subplots(1, 2, figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI)
    series = {name: [one for one in result["entries"] if one["server"] == name] for name in result["labels"]}
    for name, entries in series.items():
        over = [one["connections"] for one in entries]
        look: dict[str, Any] = {
            "color": COLOURS[name],
            "marker": MARKS[name],
            "linewidth": 3.0 if name == "evd" else 1.8,
            "linestyle": "--" if name == "nginx" else "-",
            "markersize": 6,
            "zorder": 3 if name == "evd" else 2,
        }
        rates.plot(over, [one["per_s"] for one in entries], label=result["labels"][name], **look)
        latencies.plot(over, [one["p99_ms"] for one in entries], **look)
    rates.set_title("Callbacks answered per second", loc="left", fontsize=13)
    latencies.set_title("99 of 100 answers come within (ms)", loc="left", fontsize=13)
    ticks = sorted({one["connections"] for one in result["entries"]})
    for axes in (rates, latencies):
        axes.set_xscale("log", base=2)
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axes.set_xlabel("connections at a time")
        axes.grid(True, axis="y", color="#DDDDDD", linewidth=0.8)
        axes.minorticks_off()
    figure.legend(loc="upper center", ncols=len(series), frameon=False, bbox_to_anchor=(0.5, 0.945))
    figure.suptitle("Durable callbacks: on disk, then answered – evd and its peers", fontsize=15, y=0.985)
    figure.text(
        0.5,
        0.015,
        f"{result['machine']} · Python {result['python']} · {result['load']}",
        ha="center",
        color="#555555",
        fontsize=9,
    )
    figure.tight_layout(rect=(0, 0.035, 1, 0.915))
    figure.savefig(path)
    pyplot.close(figure)
