"""A guard for the future: are evd's ratios still those that bench/guard.json records? `make bench-guard`, in minutes.

    .venv/bin/python bench/guard.py [--record] [--peers-dir ../shared/peers]

Rates drift with the machine, ratios of turns far less: evd's callbacks against the Go peer's at 64 connections, by the
peers' own `compare`; with 20,000 vehicles against the Rust peer's; and the codec against bitstruct.c + orjson. What is
not recorded is measured and owes nothing. A figure below 0.95 × of its record is measured once
more, and the better one counts; a record is the lowest of three, lest a lucky moment of the machine be owed for ever.
Without the peers, Go or wrk, evd stands against nginx's empty 201 instead; what lacks its programs is left out with a
sentence. Exit 1: a figure is too low; `--record` writes the file anew.

A list's memory is freed before the next list is asked for, so each pays for fresh pages, as in a program that decodes
list after list; bench_codec.py keeps the last result, so its ratio is higher.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench_codec import FRAME, FRAMES, MANY, ONE
from filling import make_full
from loads import CONNECTIONS, WRK, fill, in_turns, ratio, send
from peer_servers import peer, why_not
from servers import HERE, NGINX, evd, nginx

RECORD = HERE / "guard.json"
KEPT = 0.95
TURNS = 3
SECONDS = 3
COMPARE_S = 120.0
FLEET = 20_000
FLEET_SECONDS = 6
"""Each load of a fleet: longer, so that checkpoints are in it."""

CODEC_TURNS = 15
RECORD_TIMES = 3


@dataclass(frozen=True)
class Figure:
    """A ratio that is guarded: its name in guard.json, what it compares, and how it is measured."""

    name: str
    title: str
    measure: Callable[[], float]


def codec_ratio(calls: dict[str, Callable[..., Any]], argument: Any, times: int) -> float:
    """The rival's time against the codec's, in turns of `times` calls; the median."""

    def took(call: Callable[..., Any]) -> float:
        start = time.perf_counter()
        for _ in range(times):
            result = call(argument)
        end = time.perf_counter()
        del result  # outside the clock: to free it is its owner's work
        return end - start

    took(calls["cython"]), took(calls["rival"])  # warm
    return statistics.median(took(calls["rival"]) / took(calls["cython"]) for _ in range(CODEC_TURNS))


def against_go(peers: Path) -> float:
    """By `compare`, which is what judges. Raises RuntimeError with its words if it fails."""
    command = [str(peers / "compare"), "--evd", str(Path(sys.executable).parent / "evd"), "--peers", "go", "--json"]
    command += ["--connections", str(CONNECTIONS), "--rounds", str(TURNS), "--seconds", str(SECONDS)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=COMPARE_S, check=False)
    if ended.returncode:
        raise RuntimeError(f"compare ended with {ended.returncode}: {ended.stderr.strip()[-500:]}")
    told = json.loads(ended.stdout)
    if told["bad"]["evd"]:
        raise RuntimeError(f"evd refused {told['bad']['evd']} callbacks under compare's load: read its log")
    return float(told["evd_ratio_to"]["go"])


def against_rust(peers: Path) -> float:
    """With FLEET vehicles, their rings full and turning."""
    with tempfile.TemporaryDirectory(prefix="evd-guard-") as made:
        work = Path(made)
        keys = make_full(work / "evd", vehicles=FLEET)
        with evd(work / "evd", keys=keys) as (ours, _), peer("rust", peers, work, sys.executable) as (theirs, _):
            fill(theirs, vehicles=FLEET)
            load = partial(send, seconds=FLEET_SECONDS, vehicles=FLEET)
            load(ours)
            told = in_turns({"evd": partial(load, ours), "rust": partial(load, theirs)}, turns=TURNS)
    return ratio(told["evd"], told["rust"])


def against_nginx() -> float:
    """Needs wrk and nginx."""
    with tempfile.TemporaryDirectory(prefix="evd-guard-") as made:
        work = Path(made)
        with evd(work / "evd") as (ours, _), nginx(work) as empty:
            fill(ours)
            senders = {"evd": partial(send, ours, seconds=SECONDS), "nginx": partial(send, empty, seconds=SECONDS)}
            told = in_turns(senders, turns=TURNS)
    return ratio(told["evd"], told["nginx"])


def figures(peers: Path, *, recording: bool) -> list[Figure]:
    """What can be measured here; a record takes every row, a check one row for the daemon."""
    found = [
        Figure(
            "codec, one frame",
            "the codec against bitstruct.c + orjson, one frame",
            lambda: codec_ratio(dict(ONE), FRAME, 20_000),
        ),
        Figure(
            "codec, 10,000 frames",
            "the codec against bitstruct.c + orjson, a list of 10,000",
            lambda: codec_ratio(dict(MANY), FRAMES, 1),
        ),
    ]
    go = (peers / "compare").exists() and shutil.which("go") is not None and WRK is not None
    if go:
        title = f"evd against Go with group commit, {CONNECTIONS} connections"
        found.append(Figure("daemon, Go", title, partial(against_go, peers)))
    fleet = f"evd against Rust with {FLEET:,} vehicles, {CONNECTIONS} connections"
    if lacking := "wrk is not installed" if WRK is None else why_not("rust", peers, sys.executable):
        print(f"{fleet}: left out, {lacking}")
    else:
        found.append(Figure(f"daemon, Rust, {FLEET:,} vehicles", fleet, partial(against_rust, peers)))
    if WRK and NGINX and (recording or not go):
        title = f"evd against nginx's empty 201, {CONNECTIONS} connections"
        found.append(Figure("daemon, nginx", title, against_nginx))
    if not any(figure.name.startswith("daemon") for figure in found):
        print("the daemon is left out: install wrk and nginx-light, or wrk and Go with the peers' folder (--peers-dir)")
    return found


def record(wanted: list[Figure]) -> None:
    ratios = {}
    for figure in wanted:
        ratios[figure.name] = round(min(figure.measure() for _ in range(RECORD_TIMES)), 3)
        print(f"{figure.title}: {ratios[figure.name]:.2f} ×", flush=True)
    RECORD.write_text(json.dumps(ratios, indent=2) + "\n", "utf-8")
    print(f"written: {RECORD}")


def check(wanted: list[Figure], recorded: dict[str, float]) -> list[str]:
    """A sentence for each figure that is too low."""
    too_low = []
    for figure in wanted:
        known = recorded.get(figure.name)
        if known is None:
            print(
                f"{figure.title}: {figure.measure():.2f} × (nothing is recorded: `make bench-guard-record`)", flush=True
            )
            continue
        owed = KEPT * known
        found = figure.measure()
        if found < owed:
            print(f"{figure.title}: {found:.2f} × is below {owed:.2f} ×, measured once more", flush=True)
            found = max(found, figure.measure())
        print(f"{figure.title}: {found:.2f} × (recorded {known:.2f} ×, owed {owed:.2f} ×)", flush=True)
        if found < owed:
            too_low.append(
                f"{figure.title} is {found:.2f} ×, below the {owed:.2f} × that is owed: see"
                " docs/performance.md for what costs, or run `make bench-guard` again on a quiet machine"
            )
    return too_low


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers-dir", type=Path, default=HERE.parent.parent / "shared" / "peers")
    parser.add_argument("--record", action="store_true", help="measure everything and write guard.json")
    args = parser.parse_args()
    os.environ.pop("EVD_CODEC", None)  # the readable codec has no record
    wanted = figures(args.peers_dir.resolve(), recording=args.record)
    if args.record:
        record(wanted)
        return
    if not RECORD.exists():
        sys.exit(f"{RECORD} does not exist: `make bench-guard-record` measures and writes it")
    sys.exit("\n".join(check(wanted, json.loads(RECORD.read_text("utf-8")))) or None)


if __name__ == "__main__":
    main()
