"""A disk that is really full: 503 at once, the app still reads, and evd goes on by itself once there is room."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
from daemon_process import init, running_daemon
from fault_load import load_of
from ledger import breaches, new_ledger, stored
from loop_disk import make, mounted, needs_loop_device

DISK_MIB = 24
SPARE_MIB = 4
REFUSED_S, AGAIN_S, READ_S = 2.0, 5.0, 0.5
ROOMY_RING = 100_000
"""So that each status takes more of the disk."""


def fill(path: Path) -> None:
    """Take all that is left."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


@needs_loop_device
def test_a_full_disk_refuses_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    make(tmp_path / "disk.img", DISK_MIB)
    with mounted(tmp_path / "disk.img", tmp_path / "disk") as disk, new_ledger() as ledger:
        keys = init(disk / "evd")
        (disk / "spare").write_bytes(bytes(SPARE_MIB << 20))
        settings = {"EVD_RETENTION__STATUSES_PER_VEHICLE": str(ROOMY_RING), "EVD_INGEST__ANSWER_TIMEOUT_S": "1"}
        with running_daemon(disk / "evd", keys=keys, env=settings) as daemon, load_of(ledger, keys) as load:
            load.aim(daemon.url)
            load.wait_for_acks(100)
            fill(disk / "filling")
            end = time.monotonic() + 30
            while httpx.get(f"{daemon.url}/readyz").json()["reason"] != "the disk is full":
                assert time.monotonic() < end, "the disk never became full"
                time.sleep(0.05)
            refused = [answer for answer in load.answers if answer.status == 503]
            assert refused
            assert max(answer.seconds for answer in refused) < REFUSED_S
            begun = time.monotonic()
            listed = httpx.get(f"{daemon.url}/api/v1/vehicles", headers={"x-api-key": keys["admin"]})
            assert listed.status_code == 200
            assert time.monotonic() - begun < READ_S
            (disk / "spare").unlink()
            load.wait_for_acks(50, AGAIN_S)
            load.rest()
        assert breaches(ledger.entries(), stored(daemon.database), ROOMY_RING) == []
