"""As fast with 100,000 vehicles as with 1,000? evd, Rust and Go over the size of the fleet: `make bench-fleet`.

    .venv/bin/python bench/bench_fleet.py [--seconds 60] [--rounds 3] [--fleets 1000,20000,100000] [--large] [--peers …]

Rings of 20, full and turning. All servers of a fleet run throughout, and each round loads them one after the other, so
that a drift of the machine's speed hits all alike; a ratio is that of a round, each figure the median of the rounds.
Beside a fleet of 100,000 runs an evd with 1,000 vehicles, and beside one of 1,000,000 (`--large`) one with 100,000.
The bytes for the disk are those of the device of --dir, so nothing else should write there meanwhile.
evd and the peers of bench/peers fill their rings before they listen; the others are filled by callbacks, which takes
minutes at 100,000 vehicles, and they are left out at 1,000,000. What a design defers is paid only in loads of a minute.

A row says what is owed (issue 13), and the command ends with 1 where it is not kept. What is owed against Rust is owed
against the peer `rust` of --peers-dir; `rust-slots`, the project's stronger one (bench/peers/README.md), stands beside
it. Writes bench/results/fleet.json and docs/fleet.png; `--draw-only` draws it from the JSON again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from conftest import table
from filling import make_full
from fleet_figures import LARGE, Figures, Fleet, median_of, rows
from loads import CONNECTIONS, RING, WRK, Load, Target, fill, send
from owed import Owed, broken, shown
from peer_servers import PEERS, available, peer
from peers import processor, say
from picture import draw_fleets
from process_costs import costs_of, peak_mib, resident_mib
from servers import HERE, evd_alone

from evd.store.sqlite.connection import open_reader

FLEETS = (1_000, 20_000, 100_000)
BESIDE = {100_000: 1_000, LARGE: 100_000}
"""Fleet → the smaller one whose evd runs beside it."""

MANY_CONNECTIONS = 256
"""For the smallest fleet."""

HALF_LOADED = 20_000
"""The fleet that is also loaded by half, and whose file is weighed."""

STARTS = 3
WARM_S = 3
CALIBRATION_S = 3
LONG_FILL_S = 20
DAEMON = {"EVD_RETENTION__STATUSES_PER_VEHICLE": str(RING), "EVD_LOG__LEVEL": "warning"}
RESULTS = HERE / "results" / "fleet.json"
PICTURE = HERE.parent / "docs" / "fleet.png"

#: Statuses, and the bytes of what they say: 15 are two times, the seqNumber and the channel as numbers.
CONTENT = """
SELECT count(*), sum(15 + octet_length(id) + coalesce(octet_length(payload), 0) + octet_length(fields)
    + octet_length(document) + octet_length(flags) + coalesce(octet_length(radio), 0)) FROM ring"""


@dataclass(frozen=True)
class Server:
    """A running server: what it takes callbacks at, its process id, whose callbacks it gets, and where it writes."""

    target: Target
    process: int
    vehicles: int
    directory: Path

    def load(self, seconds: int, **how: Any) -> Figures:
        """Load it; what came of it, and what it cost. Raises RuntimeError if it refuses a callback."""
        before = costs_of(self.process, self.directory)
        load = send(self.target, seconds=seconds, vehicles=self.vehicles, **how)
        spent = costs_of(self.process, self.directory).since(before)
        if load.refused or load.broken:
            raise RuntimeError(f"{self.target.url} refused {load.refused:.0f} callbacks and broke {load.broken:.0f}")
        return Figures(
            **{one.name: getattr(load, one.name) for one in fields(Load)},
            cpu_us=spent.processor_s / load.taken * 1e6,
            disk_bytes=spent.disk_bytes / load.taken,
            written_bytes=spent.written_bytes / load.taken,
            mib=peak_mib(self.process),
        )


def measure(vehicles: int, peers: list[str], args: argparse.Namespace) -> Fleet:
    """All figures of a fleet."""
    fleet = Fleet(vehicles, BESIDE.get(vehicles, 0))
    with tempfile.TemporaryDirectory(prefix="evd-fleet-", dir=args.dir) as made:
        work = Path(made)
        with ExitStack() as running:
            servers = {"evd": started(running, work / "evd", vehicles, fleet)}
            if fleet.beside:
                servers["evd beside"] = started(running, work / "beside", fleet.beside)
            for name in peers:
                say(f"{vehicles:,} vehicles: filling {name}")
                servers[name] = peer_started(running, name, work, vehicles, args)
            for server in servers.values():
                server.load(WARM_S)
            for connections in (CONNECTIONS, MANY_CONNECTIONS) if vehicles == min(args.fleets) else (CONNECTIONS,):
                in_rounds(fleet, servers, connections, args)
            if vehicles == min(args.fleets):
                for kind in ("late", "repeated"):
                    say(f"{vehicles:,} vehicles: every second callback is {kind}")
                    fleet.again[kind] = [against_ordinary(servers["evd"], kind) for _ in range(args.rounds)]
            if vehicles == HALF_LOADED:
                for name, server in servers.items():
                    say(f"{vehicles:,} vehicles: half of {name}'s full load")
                    full = median_of(fleet.told[name, CONNECTIONS]).per_s
                    fleet.half[name] = at_rate(server, full / 2, args.seconds)
        if vehicles == HALF_LOADED:
            fleet.size_ratio = size_ratio(work / "evd")
    return fleet


def started(running: ExitStack, directory: Path, vehicles: int, fleet: Fleet | None = None) -> Server:
    """An evd with full rings; a fleet is given how long its start takes, and its memory after it."""
    keys = make_full(directory, vehicles=vehicles)
    took: list[float] = []
    for _ in range(STARTS if fleet else 0):
        start = time.perf_counter()
        with evd_alone(directory, keys, DAEMON) as (_, process):
            took.append(time.perf_counter() - start)
            mib = resident_mib(process.pid)
    if fleet:
        fleet.ready_s, fleet.ready_mib = statistics.median(took), mib
    target, process = running.enter_context(evd_alone(directory, keys, DAEMON))
    return Server(target, process.pid, vehicles, directory)


def peer_started(running: ExitStack, name: str, work: Path, vehicles: int, args: argparse.Namespace) -> Server:
    target, process = running.enter_context(peer(name, args.peers_dir, work, args.python, fill=vehicles))
    if not PEERS[name].own:
        fill(target, vehicles=vehicles, seconds=2 if vehicles < HALF_LOADED else LONG_FILL_S)
    return Server(target, process.pid, vehicles, work)


def in_rounds(fleet: Fleet, servers: dict[str, Server], connections: int, args: argparse.Namespace) -> None:
    say(f"{fleet.vehicles:,} vehicles, {connections} connections: {args.rounds} rounds of {args.seconds} s a server")
    for _ in range(args.rounds):
        for name, server in servers.items():
            told = server.load(args.seconds, connections=connections)
            fleet.told.setdefault((name, connections), []).append(told)


def against_ordinary(server: Server, kind: str) -> float:
    """Processor time of a callback of this kind, of which every second one of a load is, against an ordinary one's."""
    ordinary = server.load(WARM_S).cpu_us
    return (2 * server.load(WARM_S, again=kind).cpu_us - ordinary) / ordinary


def at_rate(server: Server, per_s: float, seconds: int) -> Figures:
    """A load of about `per_s` callbacks a second, whose connections rest by chance; wrk counts what a stall held up."""
    turn_ms = CONNECTIONS / per_s * 1000
    pause_ms = max(turn_ms - 1, 0.1)
    found = server.load(CALIBRATION_S, pause_ms=pause_ms)
    pause_ms = max(pause_ms + turn_ms - CONNECTIONS / found.per_s * 1000, 0.1)
    return server.load(seconds, pause_ms=pause_ms)


def size_ratio(directory: Path) -> float:
    """Bytes of a stopped daemon's directory against those of its statuses' content."""
    with closing(open_reader(directory / "evd.db")) as reader:
        _, content = reader.execute(CONTENT).fetchone()
    return float(sum(file.stat().st_size for file in directory.rglob("*") if file.is_file()) / content)


def entries(fleet: Fleet) -> list[dict[str, Any]]:
    """The medians, one entry a server and number of connections."""
    return [
        {"vehicles": fleet.vehicles, "server": name, "connections": connections, **asdict(median_of(rounds))}
        for (name, connections), rounds in fleet.told.items()
        if name != "evd beside"
    ]


def cells(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "vehicles": entry["vehicles"],
        "connections": entry["connections"],
        "server": entry["server"],
        "callbacks/s": round(entry["per_s"]),
        "p99 ms": round(entry["p99_ms"], 1),
        "p99.9 ms": round(entry["p999_ms"], 1),
        "µs of a processor": round(entry["cpu_us"], 1),
        "B to disk": round(entry["disk_bytes"]),
        "B written": round(entry["written_bytes"]),
        "peak MiB": round(entry["mib"]),
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="length of one load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fleets", default=",".join(map(str, FLEETS)), help="vehicles, with commas")
    parser.add_argument("--large", action="store_true", help=f"also {LARGE:,} vehicles: 20 GB of --dir, an hour")
    parser.add_argument("--peers", default="rust,go,rust-slots,go-slots", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--peers-dir", type=Path, default=HERE.parent.parent / "shared" / "peers")
    parser.add_argument("--python", default=sys.executable, help="a Python that has FastAPI")
    parser.add_argument("--dir", help="where the databases are made; else where temporary files are")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--draw-only", action="store_true", help="draw what was measured before")
    args = parser.parse_args()
    args.fleets = sorted({*map(int, args.fleets.split(",")), *([LARGE] if args.large else [])})
    args.peers_dir = args.peers_dir.resolve()
    return args


def main() -> None:
    args = arguments()
    if args.draw_only:
        if not RESULTS.exists():
            sys.exit(f"{RESULTS} does not exist: run `make bench-fleet` first")
        draw_fleets(json.loads(RESULTS.read_text("utf-8")), args.picture)
        return
    if WRK is None:
        sys.exit("the fleet is loaded by wrk: apt-get install wrk")
    wanted = [name for name in args.peers.split(",") if name]
    if unknown := [name for name in wanted if name not in PEERS]:
        sys.exit(f"no peer is called {unknown[0]}: there are {', '.join(PEERS)}")
    names = available(args.peers_dir, wanted, args.python)
    told: list[dict[str, Any]] = []
    figures: list[Owed] = []
    for vehicles in args.fleets:
        fleet = measure(vehicles, [name for name in names if vehicles < LARGE or PEERS[name].own], args)
        told += entries(fleet)
        figures += rows(fleet)
        write(told, figures, names, args)
    print("\n".join([*table([cells(entry) for entry in told]), "", *table([shown(row) for row in figures])]))
    print(f"\nwritten: {RESULTS}")
    say("\n".join(not_kept := broken(figures)))
    draw_fleets(json.loads(RESULTS.read_text("utf-8")), args.picture)
    sys.exit(1 if not_kept else 0)


def write(told: list[dict[str, Any]], figures: list[Owed], names: list[str], args: argparse.Namespace) -> None:
    result = {
        "machine": f"{os.cpu_count()} × {processor()}",
        "python": platform.python_version(),
        "load": f"rings of {RING} full and turning, {CONNECTIONS} connections, {args.rounds} × {args.seconds} s",
        "labels": {"evd": "evd", **{name: PEERS[name].label for name in names}},
        "entries": told,
        "owed": [asdict(row) for row in figures],
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
