"""A daemon's disk that fails when it is made to, by a shim around the C library (disk_faults.c); and its clock."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from folders import SUPPORT

#: Shorter than in operation, so that a test takes seconds: a stall is red after half of it.
QUICK = {"EVD_INGEST__ANSWER_TIMEOUT_S": "1"}


class Disk:
    """The disk of a daemon that runs with `env`; it does what is said."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("gcc") or shutil.which("cc")
        assert compiler, "evd is built with a compiler, so there is one"
        shim = folder / "disk_faults.so"
        source = SUPPORT / "disk_faults.c"
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(shim), str(source)], check=True)
        self._fault = folder / "fault"
        self.env = {**QUICK, "LD_PRELOAD": str(shim), "DISK_FAULT": str(self._fault)}

    def be(self, fault: str) -> None:
        self._fault.write_text(fault)
