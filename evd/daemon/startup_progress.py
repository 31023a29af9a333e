"""A start that takes long, because a database is upgraded or a long log recovered, says so while it lasts.

systemd ends a start after 90 s, and begins anew, unless it is told to wait longer (EXTEND_TIMEOUT_USEC, sd_notify(3)).
It is told so only while something is done: a start that hangs is still ended.
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
"""From each look at which something was done: a disk may be busy with others for a while."""

LOG_EVERY_S = 30.0

WORK_S = 0.005
"""Of the processor between two looks; reading and writing count by themselves."""

MIB = 1024 * 1024


class StartupProgress:
    """A thread that looks while the block lasts; `tell` hears what the block does, and `files` are what it is at."""

    def __init__(self, manager: ServiceManager, files: list[Path], *, look_every_s: float | None = None) -> None:
        self._manager = manager
        self._files = files
        self._look_every_s = LOOK_EVERY_S if look_every_s is None else look_every_s
        self._doing = "opening the database"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="evd-start", daemon=True)

    def tell(self, doing: str) -> None:
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
                log.info("evd is starting still", doing=self._doing, seconds=round(seconds), files=sizes)


class Progress:
    """Whether this process did anything since the last look: computed, read or written."""

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
