"""The directory an evd lives in: its files' names, how it is found, and the lock that says who owns it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from evd.errors import AlreadyRunning, ConfigError

FIRST_KEYS = "first-keys"
"""The first keys, where `evd init` must not print them: for whoever may read the directory, until he removes it."""

SOCKET_PATH_MAX = 107
"""Bytes of a unix socket's path (sockaddr_un holds 108 with the final NUL)."""


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """One DIR."""

    directory: Path

    @property
    def settings(self) -> Path:
        return self.directory / "evd.toml"

    @property
    def database(self) -> Path:
        return self.directory / "evd.db"

    @property
    def socket(self) -> Path:
        return self.directory / "evd.sock"

    @property
    def fault(self) -> Path:
        return self.directory / "evd.fault"

    @property
    def lock(self) -> Path:
        return self.directory / "evd.lock"

    def require(self) -> None:
        """Raises ConfigError unless `evd init` was here, and this user may look."""
        try:
            found = self.database.exists()
        except OSError as error:
            raise ConfigError(
                f"{self.directory} cannot be looked into ({error.strerror}): run the command as the user evd runs as"
            ) from None
        if not found:
            raise ConfigError(f"{self.directory} holds no evd.db: run `evd init --dir {self.directory}` first")


def find(given: str | None, env: Mapping[str, str]) -> DataDirectory:
    """`--dir`, `$EVD_DIR`, `$STATE_DIRECTORY` (systemd's, the first of several), else the user's data folder."""
    state = env.get("STATE_DIRECTORY", "").split(":")[0]
    directory = given or env.get("EVD_DIR") or state or platformdirs.user_data_path("evd")
    return DataDirectory(Path(directory).absolute())


BRIEFLY = "briefly"
"""Behind the process in the lock's file, where a command holds it."""

TURN_S = 60.0
"""Commands side by side take turns, of a second or two each."""

LOOK_EVERY_S = 0.05


class Lock:
    """Held as long as this process writes to the directory; the kernel lets go of it when the process ends.

    It is on a file that says who holds it, and on the directory itself, which nobody removes while it is used.
    """

    def __init__(self, place: DataDirectory, *, brief: bool = False) -> None:
        """`brief` is a command's, for which others wait.

        Raises AlreadyRunning where another process holds it, ConfigError where the directory cannot be written.
        """
        self._place = place
        self._held: list[int] = []
        try:
            self._file = self._opened(place.lock, os.O_RDWR | os.O_CREAT, 0o600)
            self._directory = self._opened(place.directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            self.release()
            raise ConfigError(
                f"{error.filename} cannot be written ({error.strerror}): check who owns the directory"
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._lock_directory()
        except BlockingIOError:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").split() or ["unknown"]
            self.release()
            raise AlreadyRunning(
                f"another evd (process {holder[0]}) works in {place.directory}: stop it first, or name another "
                "directory",
                briefly=holder[-1] == BRIEFLY,
            ) from None
        left = os.pread(self._file, 32, 0).decode("ascii", "replace").split()
        self.left_by = left[0] if len(left) == 1 else ""
        """The daemon that held it before and did not let go of it in order, if there is one: its process."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()} {BRIEFLY if brief else ''}\n".encode(), 0)

    def _lock_directory(self) -> None:
        try:
            fcntl.flock(self._directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            pass  # a network's file system knows no locks of directories; the file's must do

    def _opened(self, path: Path, flags: int, mode: int = 0) -> int:
        self._held.append(os.open(path, flags | os.O_CLOEXEC, mode))
        return self._held[-1]

    def release(self, *, orderly: bool = False) -> None:
        """`orderly` where nothing of this process is left to be told."""
        if orderly:
            with suppress(OSError):
                os.ftruncate(self._file, 0)
        while self._held:
            os.close(self._held.pop())


def lock_in_turn(place: DataDirectory, *, turn_s: float = TURN_S) -> Lock:
    """The lock, as soon as the command that has it ends. Raises as `Lock` does."""
    until = time.monotonic() + turn_s
    while True:
        try:
            return Lock(place)
        except AlreadyRunning as error:
            if not error.briefly or time.monotonic() > until:
                raise
        time.sleep(LOOK_EVERY_S)
