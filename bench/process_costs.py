"""What a process has cost so far, by the kernel's account: processor time, bytes for the disk, memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Costs", "costs_of", "peak_mib", "resident_mib"]

SECTOR_BYTES = 512
"""Of the kernel's counters, whatever the device's own sectors are (Documentation/block/stat.rst)."""

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Costs:
    """Processor time of all threads, in s; bytes that the disk was given, by whatever process, journal included; bytes
    given to `write`.

    `write_bytes` of /proc/PID/io is not the disk's: since Linux 6.16 ext4 keeps a file in folios of up to 1 MiB, and
    counts a whole one for each kilobyte that is changed in it.
    """

    processor_s: float
    disk_bytes: int
    written_bytes: int

    def since(self, before: Costs) -> Costs:
        return Costs(
            self.processor_s - before.processor_s,
            self.disk_bytes - before.disk_bytes,
            self.written_bytes - before.written_bytes,
        )


def costs_of(process: int, directory: Path) -> Costs:
    """With what the device of this directory was given; 0 of a file system without one (tmpfs, overlay)."""
    fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
    io = dict(line.split(": ") for line in Path(f"/proc/{process}/io").read_text("utf-8").splitlines())
    return Costs((int(fields[11]) + int(fields[12])) / TICKS, _device_bytes(directory), int(io["wchar"]))


def _device_bytes(directory: Path) -> int:
    device = directory.stat().st_dev
    counters = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    return int(counters.read_text("utf-8").split()[6]) * SECTOR_BYTES if counters.exists() else 0


def resident_mib(process: int) -> float:
    return _mib(process, "VmRSS")


def peak_mib(process: int) -> float:
    """The most that was resident at any time."""
    return _mib(process, "VmHWM")


def _mib(process: int, name: str) -> float:
    lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))
