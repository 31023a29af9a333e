"""How the evd before this one ended, where it did not end in order; told at the next start.

An orderly end empties the lock's file. A process that is aborted, which is how systemd's watchdog ends one that stands
still, writes where its threads stood into the file `evd.fault`; one that is killed leaves nothing but its number.
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

READ_MAX = 16 * 1024
"""Of the file: some dozens of threads."""

ABORTED = "Fatal Python error: Aborted"


class PreviousExit(NamedTuple):
    """What is told, and where the threads stood."""

    sentence: str
    stack: str = ""


def previous_exit(fault: str, left_by: str, env: Mapping[str, str]) -> PreviousExit | None:
    """`fault` is what it wrote, `left_by` the process that the lock's file names; None where it ended in order."""
    if not fault and not left_by:
        return None
    if ABORTED in fault and env.get("WATCHDOG_USEC"):
        return PreviousExit("systemd's watchdog ended the evd before this one, which stood still", fault)
    if fault:
        return PreviousExit("the evd before this one crashed, or was aborted", fault)
    return PreviousExit("the evd before this one was killed, or the machine went down")


class FaultFile:
    """Where this process writes its last words, should it come to that; what stood there before is read first."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.before = os.pread(descriptor, READ_MAX, 0).decode("utf-8", "replace").strip()
        os.ftruncate(descriptor, 0)
        self._file = os.fdopen(descriptor, "wb", 0)
        faulthandler.enable(self._file)

    def close(self) -> None:
        faulthandler.disable()
        self._file.close()
