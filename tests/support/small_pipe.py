"""A pipe that holds a page."""

from __future__ import annotations

import fcntl
import os


def small_pipe() -> tuple[int, int]:
    end, start = os.pipe()
    fcntl.fcntl(start, fcntl.F_SETPIPE_SZ, 4096)
    return end, start
