"""Messages to systemd, or to another manager that set NOTIFY_SOCKET (sd_notify(3)); never blocks and never raises."""

from __future__ import annotations

import socket
from contextlib import suppress

from systemd_watchdog.systemd_watchdog import WatchDog


class ServiceManager:
    """Does nothing if NOTIFY_SOCKET is not set."""

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
        """To be called about once a second; pings the watchdog as often as it requires."""
        with suppress(OSError):
            self._watchdog.ping()

    def stopping(self) -> None:
        with suppress(OSError):
            self._watchdog._send("STOPPING=1\n")

    def extend(self, seconds: float, status: str) -> None:
        """Allow the start or stop so many seconds from now on; `systemctl status` shows `status`."""
        with suppress(OSError):
            self._watchdog._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}\nSTATUS={status}\n")

    def status(self, text: str) -> None:
        with suppress(OSError):
            self._watchdog.status(text)
