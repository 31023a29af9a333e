"""What a process has cost so far, by the kernel's account in /proc: processor time, bytes for the disk, memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Costs", "costs_of", "peak_mib", "resident_mib"]

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Costs:
    """Processor time of all threads, in s; bytes that became the disk's work (pages of 4 KiB; what is overwritten
    before it is synced counts once); bytes given to `write`."""

    processor_s: float
    disk_bytes: int
    written_bytes: int

    def since(self, before: Costs) -> Costs:
        return Costs(
            self.processor_s - before.processor_s,
            self.disk_bytes - before.disk_bytes,
            self.written_bytes - before.written_bytes,
        )


def costs_of(process: int) -> Costs:
    fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
    io = dict(line.split(": ") for line in Path(f"/proc/{process}/io").read_text("utf-8").splitlines())
    return Costs((int(fields[11]) + int(fields[12])) / TICKS, int(io["write_bytes"]), int(io["wchar"]))


def resident_mib(process: int) -> float:
    return _mib(process, "VmRSS")


def peak_mib(process: int) -> float:
    """The most that was resident at any time."""
    return _mib(process, "VmHWM")


def _mib(process: int, name: str) -> float:
    lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))
