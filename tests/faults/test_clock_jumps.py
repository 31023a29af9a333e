"""The machine's clock jumps under load: everything is acknowledged, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from daemon_process import init, running_daemon
from failing_disk import Disk
from fault_load import load_of
from ledger import breaches, new_ledger, stored

RING = 50
HOUR_S, YEAR_S = 3600, 365 * 86400


@pytest.mark.parametrize("seconds", [2 * YEAR_S, -2 * YEAR_S, -HOUR_S])
def test_a_jump_of_the_clock_loses_nothing(tmp_path: Path, seconds: int) -> None:
    disk, keys = Disk(tmp_path), init(tmp_path / "evd")
    settings = {**disk.env, "EVD_RETENTION__STATUSES_PER_VEHICLE": str(RING), "EVD_INGEST__ANSWER_TIMEOUT_S": "8"}
    with (
        new_ledger() as ledger,
        running_daemon(tmp_path / "evd", keys=keys, env=settings) as daemon,
        load_of(ledger, keys) as load,
    ):
        load.aim(daemon.url)
        load.wait_for_acks(100)
        disk.be(f"clock {seconds}")
        load.wait_for_acks(200)
        disk.be("well")
        load.wait_for_acks(100)
        load.rest()
        assert load.count(201) == len(load.answers)
        assert breaches(ledger.entries(), stored(daemon.database), RING) == []
