"""Reports the progress of a long start, in which a database is upgraded or a long WAL recovered.

systemd ends a start after 90 s and begins again, unless it gets EXTEND_TIMEOUT_USEC (sd_notify(3)). evd sends that only
while the start makes progress: a start that hangs is still ended.
"""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from evd.daemon.systemd import ServiceManager
from evd.log.logger import log

LOOK_EVERY_S = 5.0
EXTEND_S = 60.0
"""From each look that found progress: a disk may be busy with other work for a while."""

LOG_EVERY_S = 30.0

WORK_S = 0.005
"""Processor time between two looks that counts as progress; reading and writing count by themselves."""

MIB = 1024 * 1024


class StartupProgress:
    """A thread that looks while the block lasts; the block calls `report`, and works on `files`."""

    def __init__(self, manager: ServiceManager, files: list[Path], *, look_every_s: float | None = None) -> None:
        self._manager = manager
        self._files = files
        self._look_every_s = LOOK_EVERY_S if look_every_s is None else look_every_s
        self._doing = "opening the database"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="evd-start", daemon=True)

    def report(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> StartupProgress:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        begun, logged, progress = time.monotonic(), -LOG_EVERY_S, Progress()
        while not self._ended.wait(self._look_every_s):
            if not progress.made():
                continue
            seconds = time.monotonic() - begun
            sizes = ", ".join(f"{path.name} {_mib(path)} MiB" for path in self._files)
            self._manager.extend(EXTEND_S, f"{self._doing}: {seconds:.0f} s so far; {sizes}")
            if seconds - logged >= LOG_EVERY_S:
                logged = seconds
                log.info("evd is still starting", doing=self._doing, seconds=round(seconds), files=sizes)


class Progress:
    """Whether this process computed, read or wrote anything since the last look."""

    def __init__(self, usage: Callable[[], tuple[float, int, int]] | None = None) -> None:
        self._usage = usage or _usage
        self._before = self._usage()

    def made(self) -> bool:
        seconds, read, written = self._before
        now = self._usage()
        if now[0] - seconds < WORK_S and now[1:] == (read, written):
            return False
        self._before = now
        return True


def _usage() -> tuple[float, int, int]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, used.ru_inblock, used.ru_oublock


def _mib(path: Path) -> int:
    try:
        return path.stat().st_size // MIB
    except OSError:
        return 0
