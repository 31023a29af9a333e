"""The data directory: the names of its files, how it is found, and the lock that one process holds."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
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
        """Raises ConfigError unless there is a database, and this user may read it."""
        try:
            found = self.database.exists()
            if found and not os.access(self.database, os.R_OK):
                raise PermissionError
        except PermissionError:
            raise ConfigError(f"{self.directory} is not yours to read: run `{as_root()}`") from None
        except OSError as error:
            raise ConfigError(f"{self.directory} cannot be read ({error.strerror}): check the disk") from None
        if not found:
            raise ConfigError(self._absent())

    def _absent(self) -> str:
        """Never advice to make a second database where there is one."""
        service = service_directory()
        if service is not None and service != self.directory:
            return f"{self.directory} holds no evd.db: this machine's is in {service}, so leave --dir and EVD_DIR away"
        if service is not None:
            return f"{self.directory} holds no evd.db yet: `systemctl start evd-init` creates it"
        return (
            f"{self.directory} holds no evd.db: name its directory with --dir, or `evd init` creates a first one there"
        )


def umask_of(data_dir: DataDirectory) -> int:
    """Files are closed to others, and to the group unless the directory is open to it: then its members may read."""
    try:
        return 0o027 if data_dir.directory.stat().st_mode & 0o050 == 0o050 else 0o077
    except OSError:
        return 0o077


def sync_folder(folder: Path) -> None:
    """What was made, renamed or removed in it is on disk when this returns. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


SERVICE = Path("/var/lib/evd")
"""systemd's state directory of evd.service. With DynamicUser= it is a link to where only root may look."""

UNITS = (Path("/etc/systemd/system"), Path("/usr/lib/systemd/system"))
"""Where the unit is looked for, with what is dropped in beside it."""

_UNIT_DIRECTORY = re.compile(
    r"^(?:Environment=\"?EVD_DIR=(?P<dir>[^\s\"]+)|StateDirectory=(?P<state>[^\s:]+))", re.MULTILINE
)


def find(
    given: str | None, env: Mapping[str, str], *, service: Callable[[], Path | None] | None = None
) -> DataDirectory:
    """One directory a machine, unless somebody says otherwise.

    `--dir`, `$EVD_DIR`, `$STATE_DIRECTORY` (systemd's, the first of several), the service's, the current directory if
    it has an evd.toml, the user's data folder.
    """
    state = env.get("STATE_DIRECTORY", "").split(":")[0]
    directory = given or env.get("EVD_DIR") or state or (service or service_directory)()
    if not directory:
        directory = Path() if Path("evd.toml").exists() else platformdirs.user_data_path("evd")
    return DataDirectory(Path(directory).absolute())


def service_directory(default: Path = SERVICE, units: Iterable[Path] = UNITS) -> Path | None:
    """Where the installed service keeps its database; None without one."""
    for folder in units:
        unit = folder / "evd.service"
        texts = [_read(path) for path in (unit, *sorted(folder.glob("evd.service.d/*.conf")))]
        for found in reversed([one for text in texts for one in _UNIT_DIRECTORY.finditer(text)]):
            return Path(found["dir"]) if found["dir"] else default.parent / found["state"]
    return default if os.path.lexists(default) else None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


SECURE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where sudo looks for commands (sudoers(5), as Debian sets it)."""


def as_root() -> str:
    """This very command, as a person types it to run it with root's rights."""
    program = "evd" if shutil.which("evd", path=SECURE_PATH) else str(Path(sys.argv[0]).absolute())
    return shlex.join(["sudo", program, *sys.argv[1:]])


@contextmanager
def left_to_owner(directory: Path) -> Iterator[None]:
    """What root makes in the directory meanwhile becomes its owner's: the service could not write it otherwise.

    Root does not become the owner, who with DynamicUser= cannot reach the directory outside of the service.
    """
    try:
        yield
    finally:
        owner = directory.stat()
        if os.geteuid() == 0 != owner.st_uid:
            for one in os.scandir(directory):
                if one.stat(follow_symlinks=False).st_uid == 0:
                    os.chown(one.path, owner.st_uid, owner.st_gid, follow_symlinks=False)


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
        except PermissionError:
            self.release()
            raise ConfigError(f"{data_dir.directory} is not yours to write: run `{as_root()}`") from None
        except OSError as error:
            self.release()
            raise ConfigError(
                f"{error.filename} cannot be written ({error.strerror}): check who owns the directory"
            ) from None
        # Empty while another one has locked it: its holder writes what it is next, so ask again as if it were brief.
        unnamed = ["unknown", BRIEFLY]
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unnamed = ["unknown"]  # the file is ours, and new: the holder of the directory wrote into one that is gone
            self._lock_directory()
        except BlockingIOError:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").split() or unnamed
            self.release()
            raise AlreadyRunning(
                f"another evd (process {holder[0]}) uses {data_dir.directory}: stop it first",
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
