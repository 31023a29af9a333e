"""evd beside its peers over 1, 4, 16, 64 and 256 connections, as JSON and as a picture: `make bench-peers`.

    .venv/bin/python bench/peers.py [--peers-dir ../shared/peers] [--python PYTHON-WITH-FASTAPI] [--seconds 4]

All servers run throughout; their rings are filled first, and each turn loads them one after the other, so that a drift
of the machine's speed hits all alike. Every figure is the median of the turns. Writes bench/results/peers.json and
docs/throughput.png; `make bench-picture` draws the picture from the JSON again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

from conftest import table
from loads import RING, VEHICLES, WRK, Load, Target, fill, in_turns, median, ratio, row, send
from peer_servers import PEERS, available, peer
from picture import draw
from servers import HERE, evd

CONNECTIONS = (1, 4, 16, 64, 256)
RESULTS = HERE / "results" / "peers.json"
PICTURE = HERE.parent / "docs" / "throughput.png"


def measure(targets: dict[str, Target], *, turns: int, seconds: int) -> list[dict[str, Any]]:
    """One entry a server and number of connections: the medians, and evd's rate against the server's."""
    for name, target in targets.items():
        say(f"filling {name}")
        fill(target)
    entries = []
    for connections in CONNECTIONS:
        say(f"{connections} connections: {turns} turns of {len(targets)} × {seconds} s")
        senders = {
            name: partial(send, target, connections=connections, seconds=seconds) for name, target in targets.items()
        }
        told = in_turns(senders, turns=turns)
        entries += [
            {
                "server": name,
                "connections": connections,
                **asdict(median(loads)),
                "evd_against_it": round(ratio(told["evd"], loads), 3),
            }
            for name, loads in told.items()
        ]
    return entries


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers-dir", type=Path, default=HERE.parent.parent / "shared" / "peers")
    parser.add_argument("--peers", default="go,fastapi,nginx", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--python", default=sys.executable, help="a Python that has FastAPI")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="length of one load")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--draw-only", action="store_true", help="draw what was measured before")
    args = parser.parse_args()
    if args.draw_only:
        if not RESULTS.exists():
            sys.exit(f"{RESULTS} does not exist: run `make bench-peers` first")
        draw(json.loads(RESULTS.read_text("utf-8")), args.picture)
        return
    if WRK is None:
        sys.exit("the peers are compared with wrk: apt-get install wrk")
    wanted = args.peers.split(",")
    if unknown := [name for name in wanted if name not in PEERS]:
        sys.exit(f"no peer is called {unknown[0]}: there are {', '.join(PEERS)}")
    names = available(args.peers_dir.resolve(), wanted, args.python)
    if not names:
        sys.exit(f"there is no peer to compare evd with in {args.peers_dir}: name their folder with --peers-dir")

    with tempfile.TemporaryDirectory(prefix="evd-peers-") as made, ExitStack() as servers:
        work = Path(made)
        target, _ = servers.enter_context(evd(work / "evd"))
        targets = {"evd": target}
        for name in names:
            targets[name], _ = servers.enter_context(peer(name, args.peers_dir.resolve(), work, args.python))
        entries = measure(targets, turns=args.turns, seconds=args.seconds)
    result = {
        "machine": f"{os.cpu_count()} × {processor()}",
        "python": platform.python_version(),
        "load": f"{VEHICLES:,} vehicles, rings of {RING} full and turning, medians of {args.turns} × {args.seconds} s",
        "labels": {"evd": "evd", **{name: PEERS[name].label for name in names}},
        "entries": entries,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    draw(result, args.picture)
    print("\n".join(table([shown(entry) for entry in entries])))
    print(f"\nevd against each server, load sent by wrk; written: {RESULTS}, {args.picture}")


def shown(entry: dict[str, Any]) -> dict[str, Any]:
    load = Load(**{field.name: entry[field.name] for field in fields(Load)})
    against = {} if entry["server"] == "evd" else {"evd is": float(entry["evd_against_it"])}
    return {"connections": entry["connections"], "server": entry["server"], **row(load), **against}


if __name__ == "__main__":
    main()
