"""Syncs and writes that fail: nothing is acknowledged after it, evd ends with 70, and nothing acknowledged is lost.

After a failed fsync Linux marks the pages clean, so that a second one succeeds without having written them
(Rebello et al., ATC 2020): evd does not try again, it starts again.
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest
from daemon_process import init, running_daemon
from daemon_statuses import post
from failing_disk import Disk
from fault_load import SEED, load_of
from ledger import breaches, new_ledger, stored

RING = 50
SETTINGS = {"EVD_RETENTION__STATUSES_PER_VEHICLE": str(RING)}
ENDS_S = 2.0
"""The writer gives up at once; the rest is the process's own end."""


@pytest.mark.parametrize("fault", ["sync", "write", "torn"])
def test_nothing_is_acknowledged_after_the_disk_has_failed(tmp_path: Path, fault: str) -> None:
    disk, chance = Disk(tmp_path), random.Random(SEED)
    keys = init(tmp_path / "evd")
    with new_ledger() as ledger, load_of(ledger, keys) as load:
        with running_daemon(tmp_path / "evd", keys=keys, env={**disk.env, **SETTINGS}) as daemon:
            load.aim(daemon.url)
            load.wait_for_acks(50)
            time.sleep(chance.uniform(0, 0.3))
            failing = time.monotonic()
            disk.be(fault)
            assert daemon.process.wait(10) == 70
            assert time.monotonic() - failing < ENDS_S
            daemon.stop(0, exit_code=70)
            assert "Traceback" not in str(daemon.logs)
        load.rest()
        assert breaches(ledger.entries(), stored(daemon.database), RING) == []
        disk.be("well")
        with running_daemon(tmp_path / "evd", keys=keys, env=SETTINGS) as daemon:
            load.aim(daemon.url)
            load.wait_for_acks(50)
            load.rest()
            assert breaches(ledger.entries(), stored(daemon.database), RING) == []


HANGS_S = 1.0


def test_nothing_is_acknowledged_while_the_disk_hangs_and_no_repeat_before_its_original(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with running_daemon(tmp_path / "evd", env={**disk.env, "EVD_INGEST__ANSWER_TIMEOUT_S": "8"}) as daemon:
        assert post(daemon, 1).status_code == 201
        disk.be("hang")
        answered: list[tuple[float, int]] = []

        def send() -> None:
            status = post(daemon, 2).status_code
            answered.append((time.monotonic(), status))

        senders = [threading.Thread(target=send) for _ in range(3)]
        for sender in senders:
            sender.start()
            sender.join(HANGS_S / len(senders))
        well = time.monotonic()
        disk.be("well")
        for sender in senders:
            sender.join()
        assert [status for _, status in answered] == [201] * len(senders)
        assert min(at for at, _ in answered) > well
