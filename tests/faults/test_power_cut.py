"""The power goes: what was acknowledged is on the disk, not in the kernel's memory."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from daemon_process import init, running_daemon
from failing_disk import Disk
from fault_load import SEED, load_of
from ledger import breaches, new_ledger, stored
from loop_disk import copy_as_after_a_power_cut, make, mounted, needs_loop_device

CUTS = int(os.environ.get("CUTS", "3"))
MOMENTS_S = 0.3, 1.0
SPEEDS = "slow", "well"
"""Of syncs, from cut to cut: in a slow one a cut nearly always comes."""
HEARD_S = 0.1
"""What evd had answered is read by then."""
DISK_MIB = 96
RING = 50


@needs_loop_device
def test_what_was_acknowledged_outlives_a_power_cut(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    failing = Disk(tmp_path)
    image, copy = tmp_path / "disk.img", tmp_path / "cut.img"
    make(image, DISK_MIB)
    settings = {"EVD_RETENTION__STATUSES_PER_VEHICLE": str(RING)}
    with mounted(image, tmp_path / "disk") as disk, new_ledger() as ledger:
        keys = init(disk / "evd")
        os.sync()  # what `evd init` made is not what is tested
        with (
            running_daemon(disk / "evd", keys=keys, env={**failing.env, **settings}) as daemon,
            load_of(ledger, keys) as load,
        ):
            load.aim(daemon.url)
            for number in range(CUTS):
                failing.be(SPEEDS[number % len(SPEEDS)])
                load.wait_for_acks(50)
                time.sleep(chance.uniform(*MOMENTS_S))
                os.kill(daemon.process.pid, signal.SIGSTOP)
                time.sleep(HEARD_S)
                entries = ledger.entries()
                copy_as_after_a_power_cut(image, copy)
                os.kill(daemon.process.pid, signal.SIGCONT)
                with mounted(copy, tmp_path / "after"):
                    assert breaches(entries, stored(tmp_path / "after" / "evd" / "evd.db"), RING) == []
            load.rest()
        print(f"{CUTS} cuts, {len(entries.acknowledged)} acknowledged before the last")


@needs_loop_device
def test_evd_starts_after_a_power_cut_and_goes_on(tmp_path: Path) -> None:
    image, copy = tmp_path / "disk.img", tmp_path / "cut.img"
    make(image, DISK_MIB)
    with new_ledger() as ledger:
        with mounted(image, tmp_path / "disk") as disk:
            keys = init(disk / "evd")
            os.sync()
            with running_daemon(disk / "evd", keys=keys) as daemon, load_of(ledger, keys) as load:
                load.aim(daemon.url)
                load.wait_for_acks(200)
                os.kill(daemon.process.pid, signal.SIGSTOP)
                copy_as_after_a_power_cut(image, copy)
                before = ledger.entries()
                os.kill(daemon.process.pid, signal.SIGCONT)
                load.rest()
        with (
            mounted(copy, tmp_path / "after") as after,
            running_daemon(after / "evd", keys=keys) as daemon,
            load_of(ledger, keys, seed=SEED + 1) as load,
        ):
            load.aim(daemon.url)
            load.wait_for_acks(50)
            load.rest()
            now = stored(daemon.database)
            assert set(now) >= before.acknowledged
