"""Draws what peers.py and bench_fleet.py measured: callbacks a second and the slowest hundredth, a line a server.

peers.py has them over the number of connections, bench_fleet.py over that of vehicles.

Colours are of Okabe and Ito's palette, which colour-blind people can tell apart; lines differ in their marks, too.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

COLOURS = {
    "evd": "#D55E00",
    "rust": "#CC79A7",
    "rust-slots": "#CC79A7",
    "go": "#0072B2",
    "go-slots": "#0072B2",
    "go-single": "#56B4E9",
    "fastapi": "#009E73",
    "nginx": "#7F7F7F",
}
MARKS = {
    "evd": "o",
    "rust": "P",
    "rust-slots": "X",
    "go": "s",
    "go-slots": "d",
    "go-single": "D",
    "fastapi": "^",
    "nginx": "v",
}
DASHED = {"nginx", "rust-slots", "go-slots"}
WIDTH_IN, HEIGHT_IN, DPI = 10.0, 5.2, 160  # 1,600 px, so that its letters stay sharp at 800


def draw(result: dict[str, Any], path: Path) -> None:
    """The peers' PNG. Ends the process with a sentence where matplotlib is missing."""
    title = "Durable callbacks: on disk, then answered – evd and its peers"
    _draw(result, path, over="connections", named="connections at a time", base=2, title=title)


def draw_fleets(result: dict[str, Any], path: Path) -> None:
    """The fleets' PNG, of the loads with the fewest connections. Ends the process where matplotlib is missing."""
    fewest = min(one["connections"] for one in result["entries"])
    chosen = [one for one in result["entries"] if one["connections"] == fewest]
    title = "From a thousand vehicles to a fleet: on disk, then answered"
    _draw({**result, "entries": chosen}, path, over="vehicles", named="vehicles", base=10, title=title)


def _draw(result: dict[str, Any], path: Path, *, over: str, named: str, base: int, title: str) -> None:
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
        at = [one[over] for one in entries]
        look: dict[str, Any] = {
            "color": COLOURS[name],
            "marker": MARKS[name],
            "linewidth": 3.0 if name == "evd" else 1.8,
            "linestyle": "--" if name in DASHED else "-",
            "markersize": 6,
            "zorder": 3 if name == "evd" else 2,
        }
        rates.plot(at, [one["per_s"] for one in entries], label=result["labels"][name], **look)
        latencies.plot(at, [one["p99_ms"] for one in entries], **look)
    rates.set_title("Callbacks answered per second", loc="left", fontsize=13)
    latencies.set_title("99 of 100 answers come within (ms)", loc="left", fontsize=13)
    ticks = sorted({one[over] for one in result["entries"]})
    for axes in (rates, latencies):
        axes.set_xscale("log", base=base)
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axes.set_xlabel(named)
        axes.grid(True, axis="y", color="#DDDDDD", linewidth=0.8)
        axes.minorticks_off()
    figure.legend(loc="upper center", ncols=len(series), frameon=False, bbox_to_anchor=(0.5, 0.945))
    figure.suptitle(title, fontsize=15, y=0.985)
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
