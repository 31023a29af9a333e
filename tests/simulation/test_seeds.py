"""evd's ingest, writer, pushes and outbox in virtual time, with a disk and an FCM that a seed makes fail.

In each seed evd is killed and its disk breaks some times; commits are slow, hang, find the disk full or the lock held;
FCM is down, silent, over quota, or takes messages and says nothing. What must hold is in `simulated_daemon`: nothing
acknowledged is lost or stored twice, every answer comes in time and once, every phone gets its vehicle's newest status
and every event, nothing comes again without need, and queues keep their bounds.

`make simulation` plays 300 seeds; `SEEDS=…` more, from `FIRST=…` on; `SEED=…` one of them again, exactly.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ledger import ELSEWHERE
from simulated_daemon import Verdict, simulate
from structlog.testing import capture_logs

ONE = os.environ.get("SEED")
FIRST = int(ONE or os.environ.get("FIRST", "0"))
SEEDS = 1 if ONE else int(os.environ.get("SEEDS", "300"))
BLOCK = 10
"""Seeds of one test."""
STUCK_S = 120.0
"""Real time. A seed takes half a second, unless its tasks go on for ever without any time going by."""


@contextmanager
def files_in_memory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="evd-", dir=ELSEWHERE if ELSEWHERE.is_dir() else None) as folder:
        yield Path(folder)


def played(seed: int) -> Verdict:
    def stuck(*_: object) -> None:
        raise AssertionError(f"SEED={seed}: virtual time stands still")

    before = signal.signal(signal.SIGALRM, stuck)
    signal.setitimer(signal.ITIMER_REAL, STUCK_S)
    try:
        with files_in_memory() as folder, capture_logs():
            return simulate(folder, seed)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, BLOCK))
def test_every_promise_holds_whatever_fails(first: int) -> None:
    for seed in range(first, min(first + BLOCK, FIRST + SEEDS)):
        print(f"SEED={seed}", end=" ", flush=True)
        verdict = played(seed)
        print(verdict.trace)
        assert not verdict.faults, f"SEED={seed} shows it again: {verdict.faults[:5]}"


def test_a_seed_is_replayed_exactly() -> None:
    assert played(FIRST) == played(FIRST)
    assert played(FIRST).trace != played(FIRST + 1).trace
