"""What it costs a status to be rolled up: processor time with and without, in turns, in full and turning rings.

Of the store alone, and of the whole daemon, whose ratio is owed (0.95 × the rate, as processor time). Each of its turns
ends every vehicle's hour and day once, as those of the peers' `compare` do.

`per_hour` is how many statuses of a vehicle fall into one hour: 900 under the load of callbacks.lua, 6 in the life of a
Sigfox device, whose hours end a hundred times as often.

.venv/bin/pytest bench/bench_derivation.py
"""

from __future__ import annotations

import select
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bench_late import processor_s
from bench_store import Callbacks
from loads import WRK, fill, send
from servers import evd

from evd.config.settings import Config
from evd.model.operations import Arrive
from evd.store.protocols import finished
from evd.store.settings import store_settings
from evd.store.sqlite.database import SqliteDatabase

VEHICLES = 1_000
GROUP = 64
ROWS = 8_192
TURNS = 7
OWED = 1.05
TURN_S = 6
"""Of the daemon. Each turn ends a thousand hours: in a shorter one, or on a busy machine, they weigh more."""


class TimedCallbacks(Callbacks):
    """Of vehicles that send in turn, so many an hour."""

    def __init__(self, per_hour: int) -> None:
        super().__init__(VEHICLES)
        self.step_ms = 3_600_000 // per_hour

    def next(self, index: int | None = None) -> Arrive:
        made = super().next((self.number * 7) % VEHICLES)
        charge = b'"current_charge":%d' % (50 + self.number // VEHICLES % 4)
        fields = made.fields.replace(b'"current_charge":76', charge)
        return msgspec.structs.replace(
            made, time=1_639_400_000_000 + self.number // VEHICLES * self.step_ms, fields=fields
        )


class Timed:
    """A store, and the processor's seconds for each turn."""

    def __init__(self, path: Path, ring: int, per_hour: int, rollup_days: int) -> None:
        settings = store_settings(Config(), target_kinds=())._replace(capacity=ring, rollup_days=rollup_days)
        self.store = SqliteDatabase(path, settings)
        self.callbacks = TimedCallbacks(per_hour)
        for _ in range(ring + 2):
            self.store.write([self.callbacks.next() for _ in range(VEHICLES)])
            self.store.maintain(idle=True)

    def turn(self) -> float:
        groups = [[self.callbacks.next() for _ in range(GROUP)] for _ in range(ROWS // GROUP)]
        before = time.process_time()
        for group in groups:
            finished(self.store.prepare(group))
            self.store.start_commit()
            select.select([self.store.commit_fd], [], [])
            self.store.finish_commit()
        spent = time.process_time() - before
        while self.store.maintain(idle=True):
            pass
        return spent


@pytest.fixture(params=[(20, 900), (20, 6), (200, 900)], ids=["ring 20", "ring 20, 6 an hour", "ring 200"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Timed]]:
    ring, per_hour = request.param
    both = [Timed(tmp_path / f"{days}.db", ring, per_hour, days) for days in (0, 1826)]
    yield both
    for one in both:
        one.store.close()


@pytest.mark.benchmark(group=f"derivation: {ROWS} statuses with and without")
def bench_derivation(benchmark: Any, pair: list[Timed]) -> None:
    turns: list[list[float]] = []
    benchmark.pedantic(lambda: turns.append([one.turn() for one in pair]), rounds=TURNS, warmup_rounds=1)
    without, with_ = ([1e6 * turn[index] / ROWS for turn in turns[1:]] for index in (0, 1))
    added = statistics.median(one - other for one, other in zip(with_, without, strict=True))
    benchmark.extra_info["us_without"] = round(statistics.median(without), 2)
    benchmark.extra_info["us_added"] = round(added, 2)
    print(f"\n{benchmark.extra_info}")


@pytest.mark.skipif(not WRK, reason="wrk is not installed")
@pytest.mark.benchmark(group="derivation: the daemon with and without")
def bench_daemon_derivation(benchmark: Any, tmp_path: Path) -> None:
    off, on = ({"EVD_RETENTION__ROLLUP_DAYS": days} for days in ("0", "1827"))
    with evd(tmp_path / "off", env=off) as without, evd(tmp_path / "on", env=on) as with_:
        for target, _ in (without, with_):
            fill(target)
        turns: list[list[float]] = []

        def cost(target: Any, daemon: Any) -> float:
            before = processor_s(daemon.process.pid)
            load = send(target, seconds=TURN_S)
            return 1e6 * (processor_s(daemon.process.pid) - before) / load.taken

        benchmark.pedantic(lambda: turns.append([cost(*without), cost(*with_)]), rounds=TURNS)
    ratio = statistics.median(one / other for other, one in turns)
    for name, values in zip(("us_without", "us_with"), zip(*turns, strict=True), strict=True):
        benchmark.extra_info[name] = round(statistics.median(values), 1)
    benchmark.extra_info["ratio"] = round(ratio, 3)
    print(f"\n{benchmark.extra_info}")
    assert ratio <= OWED, f"a callback costs {ratio:.3f} × with roll-ups"
