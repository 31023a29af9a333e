"""What evd tells systemd, or whoever else set NOTIFY_SOCKET (sd_notify(3)); it waits for nobody and never fails."""

from __future__ import annotations

import socket
from contextlib import suppress

from systemd_watchdog.systemd_watchdog import WatchDog


class ServiceManager:
    """Does nothing where no socket is set."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)  # a manager that does not read must not stop the loop
        self._watchdog = WatchDog(self._socket)

    def close(self) -> None:
        self._socket.close()

    def ready(self) -> None:
        with suppress(OSError):
            self._watchdog.ready()

    def alive(self) -> None:
        """To be called about once a second; the watchdog hears of it when it has to."""
        with suppress(OSError):
            self._watchdog.ping()

    def stopping(self) -> None:
        with suppress(OSError):
            self._watchdog._send("STOPPING=1\n")

    def extend(self, seconds: float, status: str) -> None:
        """Start or stop may take so long from now on; `status` is what `systemctl status` shows."""
        with suppress(OSError):
            self._watchdog._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}\nSTATUS={status}\n")

    def status(self, text: str) -> None:
        with suppress(OSError):
            self._watchdog.status(text)
