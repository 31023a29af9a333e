"""The data directory: the names of its files, how it is found, and the lock that one process holds."""

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
"""The file with the first keys, if `evd init` must not print them; the operator notes them and removes it."""

SOCKET_PATH_MAX = 107
"""Bytes of a unix socket's path (sockaddr_un holds 108 with the final NUL)."""


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """A data directory (`--dir`)."""

    directory: Path

    @property
    def settings(self) -> Path:
        return self.directory / "evd.toml"

    @property
    def database(self) -> Path:
        return self.directory / "evd.db"

    @property
    def images(self) -> Path:
        """The folder of the vehicles' pictures, made with the first of them."""
        return self.directory / "images"

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
        """Raises ConfigError unless `evd init` has created it and this user may read it."""
        try:
            found = self.database.exists()
        except OSError as error:
            raise ConfigError(
                f"{self.directory} cannot be read ({error.strerror}): run the command as the user that evd runs as"
            ) from None
        if not found:
            raise ConfigError(f"{self.directory} holds no evd.db: run `evd init --dir {self.directory}` first")


def find(given: str | None, env: Mapping[str, str]) -> DataDirectory:
    """`--dir`, `$EVD_DIR`, `$STATE_DIRECTORY` (systemd's, the first of several), else the user's data folder."""
    state = env.get("STATE_DIRECTORY", "").split(":")[0]
    directory = given or env.get("EVD_DIR") or state or platformdirs.user_data_path("evd")
    return DataDirectory(Path(directory).absolute())


BRIEFLY = "briefly"
"""Stands behind the process id in the lock file if a command holds it."""

TURN_S = 60.0
"""How long a command waits for other commands, which take a second or two each."""

POLL_EVERY_S = 0.05


class Lock:
    """Held while this process writes to the directory; the kernel releases it when the process ends.

    It is on a file that names the holder, and on the directory itself, because the file could be removed.
    """

    def __init__(self, data_dir: DataDirectory, *, brief: bool = False) -> None:
        """`brief`: the holder is a command, for which other commands wait.

        Raises AlreadyRunning if another process holds it, ConfigError if the directory cannot be written.
        """
        self._data_dir = data_dir
        self._held: list[int] = []
        try:
            self._file = self._opened(data_dir.lock, os.O_RDWR | os.O_CREAT, 0o600)
            self._directory = self._opened(data_dir.directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            self.release()
            raise ConfigError(
                f"{error.filename} cannot be written ({error.strerror}): check who owns the directory"
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._lock_directory()
        except BlockingIOError:
            # Empty: it was locked this moment, and its holder writes what it is next; ask again as if it were brief.
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").split() or ["unknown", BRIEFLY]
            self.release()
            raise AlreadyRunning(
                f"another evd (process {holder[0]}) uses {data_dir.directory}: stop it first, or name another "
                "directory",
                briefly=holder[-1] == BRIEFLY,
            ) from None
        left = os.pread(self._file, 32, 0).decode("ascii", "replace").split()
        self.left_by = left[0] if len(left) == 1 else ""
        """The process id of a previous daemon that did not release the lock in order; "" if there was none."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()} {BRIEFLY if brief else ''}\n".encode(), 0)

    def _lock_directory(self) -> None:
        try:
            fcntl.flock(self._directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            pass  # a network file system has no locks on directories; the one on the file must do

    def _opened(self, path: Path, flags: int, mode: int = 0) -> int:
        self._held.append(os.open(path, flags | os.O_CLOEXEC, mode))
        return self._held[-1]

    def release(self, *, orderly: bool = False) -> None:
        """`orderly`: the next start has nothing to report about the end of this process."""
        if orderly:
            with suppress(OSError):
                os.ftruncate(self._file, 0)
        while self._held:
            os.close(self._held.pop())


def lock_in_turn(data_dir: DataDirectory, *, turn_s: float = TURN_S) -> Lock:
    """The lock, as soon as the command that holds it ends. Raises as `Lock` does."""
    until = time.monotonic() + turn_s
    while True:
        try:
            return Lock(data_dir)
        except AlreadyRunning as error:
            if not error.briefly or time.monotonic() > until:
                raise
        time.sleep(POLL_EVERY_S)
