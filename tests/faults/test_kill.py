"""kill -9 at any moment under load: what was acknowledged is there, once, and evd is ready again in seconds."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from daemon_process import init, running_daemon
from fault_load import SEED, load_of
from ledger import breaches, new_ledger, stored

ROUNDS = int(os.environ.get("KILLS", "15"))
MOMENTS_S = 0.05, 1.0
RING = 50
READY_AGAIN_S = 3.0


def test_what_was_acknowledged_outlives_kill_9(tmp_path: Path) -> None:
    chance, ready_s = random.Random(SEED), []
    keys = init(tmp_path / "evd")
    settings = {"EVD_RETENTION__STATUSES_PER_VEHICLE": str(RING)}
    with new_ledger() as ledger, load_of(ledger, keys) as load:
        for _ in range(ROUNDS):
            begun = time.monotonic()
            with running_daemon(tmp_path / "evd", keys=keys, env=settings) as daemon:
                ready_s.append(time.monotonic() - begun)
                load.aim(daemon.url)
                time.sleep(chance.uniform(*MOMENTS_S))
                daemon.stop(signal.SIGKILL, exit_code=-signal.SIGKILL)
            load.rest()
            assert breaches(ledger.entries(), stored(daemon.database), RING) == []
        acknowledged = load.count(201)
    print(f"{ROUNDS} kills, {acknowledged} answers with 201, ready after {max(ready_s):.2f} s at most")
    assert acknowledged > 20 * ROUNDS, "else little of this was put to the test"
    assert max(ready_s) < READY_AGAIN_S
