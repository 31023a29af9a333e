"""How the previous run ended, if not in order; logged at the next start.

An orderly end empties the lock file. A process that is aborted, as by systemd's watchdog if it hangs, writes the stacks
of its threads into the file `evd.fault`; one that is killed leaves only its process id in the lock file.
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

READ_MAX = 16 * 1024
"""Bytes of evd.fault: some dozens of threads."""

ABORTED = "Fatal Python error: Aborted"


class PreviousExit(NamedTuple):
    """What is logged, and the stacks of the threads."""

    sentence: str
    stack: str = ""


def previous_exit(fault: str, left_by: str, env: Mapping[str, str]) -> PreviousExit | None:
    """`fault` is evd.fault's text, `left_by` the process id in the lock file; None if the run ended in order."""
    if not fault and not left_by:
        return None
    if ABORTED in fault and env.get("WATCHDOG_USEC"):
        return PreviousExit("systemd's watchdog ended the previous evd, which hung", fault)
    if fault:
        return PreviousExit("the previous evd crashed, or was aborted", fault)
    return PreviousExit("the previous evd was killed, or the machine went down")


class FaultFile:
    """The file into which faulthandler writes if this process crashes; its previous content is read first."""

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
