"""The figures of bench_fleet.py, and what issue 13 owes of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields

from loads import Load
from owed import Owed

__all__ = ["Figures", "Fleet", "median_of", "rows"]

Key = tuple[str, int]
"""A server, and the number of connections."""


@dataclass(frozen=True)
class Figures(Load):
    """A load, and for each callback of it the server's processor time, bytes for the disk, and bytes given to `write`;
    `mib` is the most memory it ever had."""

    cpu_us: float
    disk_bytes: float
    written_bytes: float
    mib: float


Rounds = Sequence[Figures]


def median_of(rounds: Rounds) -> Figures:
    """Each figure's own median."""
    return Figures(**{one.name: statistics.median(getattr(it, one.name) for it in rounds) for one in fields(Figures)})


@dataclass
class Fleet:
    """What was measured of a fleet. `beside` is the smaller one whose evd ran with it, under the name "evd beside"."""

    vehicles: int
    beside: int = 0
    told: dict[Key, list[Figures]] = field(default_factory=dict)
    half: dict[str, Figures] = field(default_factory=dict)
    """Server → a load of half its full one."""
    again: dict[str, list[float]] = field(default_factory=dict)
    """Kind of callback ("late", "repeated") → its processor time against an ordinary one's, a value a round."""
    ready_s: float = 0.0
    ready_mib: float = 0.0
    size_ratio: float | None = None
    """Bytes of evd's directory against those of the statuses in it."""

    def ratio(self, name: str, other: str, connections: int, figure: Callable[[Figures], float]) -> float:
        """A server's figure against another's of the same round; the median."""
        pairs = zip(self.told[name, connections], self.told[other, connections], strict=True)
        return statistics.median(figure(ours) / figure(theirs) for ours, theirs in pairs)


@dataclass(frozen=True)
class Bounds:
    must: float
    aim: float


AGAINST_RUST = {1_000: Bounds(1.15, 1.5), 20_000: Bounds(1.0, 1.3), 100_000: Bounds(1.0, 1.3)}
"""Fleet → callbacks a second against the peer `rust`, at any number of connections."""

AGAINST_BESIDE = Bounds(0.7, 0.9)
SLOWEST_AT_HALF_MS = Bounds(30, 10)
AGAIN = Bounds(3, 1.5)
DISK_BYTES = {20_000: Bounds(2_530, 1_520)}
"""A third and a fifth of the 7.6 KB a status that evd wrote when the issue was filed."""

SIZE = Bounds(1.3, 1.1)
LARGE = 1_000_000
READY_S = Bounds(3, 1)
MEMORY_MIB = Bounds(400, 200)


def rows(fleet: Fleet) -> Iterator[Owed]:
    """What is owed of a fleet, and the ratios to the other peers."""
    size = f"{fleet.vehicles:,} vehicles"
    for name, connections in fleet.told:
        if name != "evd":
            yield from _against(fleet, name, connections, f"{size}, {connections} connections")
    for name, load in fleet.half.items():
        bounds = SLOWEST_AT_HALF_MS if name == "evd" else None
        what = f"{size}: p99.9 of {name} at half of full load ({load.per_s:,.0f}/s)"
        yield _at_most(what, load.p999_ms, bounds, "ms")
    for kind, ratios in fleet.again.items():
        what = f"{size}: a {kind} callback against an ordinary one, processor time"
        yield _at_most(what, statistics.median(ratios), AGAIN, "×")
    ours = [rounds for (name, _), rounds in fleet.told.items() if name == "evd"]
    bounds = DISK_BYTES.get(fleet.vehicles)
    yield _at_most(f"{size}: bytes written for a status", median_of(ours[0]).disk_bytes, bounds, "B")
    if fleet.size_ratio is not None:
        yield _at_most(f"{size}: evd-data against its content", fleet.size_ratio, SIZE, "×")
    large = fleet.vehicles >= LARGE
    yield _at_most(f"{size}: start to ready", fleet.ready_s, READY_S if large else None, "s")
    highest = max(it.mib for rounds in ours for it in rounds)
    yield _at_most(f"{size}: memory at its peak", highest, MEMORY_MIB if large else None, "MiB")


def _against(fleet: Fleet, name: str, connections: int, what: str) -> Iterator[Owed]:
    rate = fleet.ratio("evd", name, connections, lambda it: it.per_s)
    if name == "evd beside":
        yield _at_least(f"{what}: callbacks/s against {fleet.beside:,} vehicles", rate, AGAINST_BESIDE)
        return
    owing = name == "rust"
    yield _at_least(f"{what}: callbacks/s against {name}", rate, AGAINST_RUST.get(fleet.vehicles) if owing else None)
    p99 = fleet.ratio("evd", name, connections, lambda it: it.p99_ms)
    bounds = Bounds(1.0, 1.0) if owing and fleet.vehicles == 20_000 else None
    yield _at_most(f"{what}: p99 against {name}", p99, bounds, "×")


def _at_least(what: str, value: float, bounds: Bounds | None) -> Owed:
    return Owed(what, value, *((bounds.must, bounds.aim) if bounds else (None, None)))


def _at_most(what: str, value: float, bounds: Bounds | None, unit: str) -> Owed:
    return Owed(what, value, *((bounds.must, bounds.aim) if bounds else (None, None)), unit=unit, at_least=False)
