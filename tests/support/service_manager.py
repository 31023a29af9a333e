"""systemd, as evd sees it: the socket to which it sends its messages."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon_process import READY_S

#: `make nightly` tries a log of a gibibyte, and a freeze longer than the watchdog's time.
NIGHTLY = "NIGHTLY" in os.environ


@contextmanager
def notified(folder: Path) -> Iterator[socket.socket]:
    """The socket that systemd would listen at."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(folder / "notify"))
        notify.settimeout(READY_S)
        yield notify
