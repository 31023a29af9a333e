"""What evd keeps: its settings, the database, the WAL, the disk, and whose files they are."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from evd.config.alarm_settings import AlarmSettings
from evd.doctor.finding import Diagnosis, ok, skipped
from evd.doctor.place import Surroundings, command
from evd.errors import StoreError
from evd.store.engines import DEFAULT, ENGINES

MIB = 1 << 20
RESTORE = "restore a backup; `evd export` may still read what is whole"


def look_at_settings(place: Surroundings) -> tuple[Path, str]:
    place.data_dir.settings.exists()  # raises PermissionError where it cannot be known
    return place.data_dir.settings, place.refused


def judge_settings(seen: tuple[Path, str]) -> Diagnosis:
    path, refused = seen
    if refused:
        return Diagnosis("fail", refused, "correct it: evd does not start with it", f"editor {path}")
    return ok(f"{path} can be used")


class DaemonSeen(NamedTuple):
    directory: Path
    running: bool
    ready: bool
    reason: str
    silent: str


def look_at_daemon(place: Surroundings) -> DaemonSeen:
    place.data_dir.socket.exists()  # as above
    found = place.statistics or {}
    ready, reason = bool(found.get("ready")), str(found.get("reason", ""))
    return DaemonSeen(place.data_dir.directory, place.statistics is not None, ready, reason, place.silent)


def judge_daemon(seen: DaemonSeen) -> Diagnosis:
    if seen.silent:
        return Diagnosis("fail", seen.silent, "read its log", "journalctl -u evd -n 50 -o cat")
    if not seen.running:
        return Diagnosis("warn", f"no evd runs in {seen.directory}", "start it", "systemctl start evd")
    if not seen.ready:
        return Diagnosis(
            "fail", f"evd takes no callbacks: {seen.reason}", "its log says more", "journalctl -u evd -n 50"
        )
    return ok("evd runs and takes callbacks")


def judge_sqlite(seen: tuple[tuple[int, ...], tuple[int, ...]]) -> Diagnosis:
    version, safe_from = seen
    text, need = (".".join(map(str, one)) for one in seen)
    if version < safe_from:
        return Diagnosis(
            "fail", f"SQLite {text} can corrupt its WAL", f"install {need} or newer", "pip install -U pysqlite3"
        )
    return ok(f"SQLite {text}")


def look_at_sqlite(place: Surroundings) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return ENGINES[DEFAULT].library


def look_at_database(place: Surroundings) -> tuple[Path, list[str]]:
    """The damage that is found; one that cannot be read at all is damage, too."""
    path = place.data_dir.database
    if not path.exists():
        raise FileNotFoundError(2, "there is no database", str(path))
    try:
        return path, ENGINES[DEFAULT].find_damage(path)
    except StoreError as error:
        return path, [str(error)]


def judge_database(seen: tuple[Path, list[str]]) -> Diagnosis:
    path, damage = seen
    if damage:
        return Diagnosis("fail", f"{path} is damaged: {damage[0]}", RESTORE, "systemctl stop evd")
    return ok(f"{path} is whole")


class WalSeen(NamedTuple):
    database: Path
    bytes: int
    bound_mib: int


def look_at_wal(place: Surroundings) -> WalSeen:
    path = place.data_dir.database.with_name("evd.db-wal")
    return WalSeen(place.data_dir.database, path.stat().st_size if path.exists() else 0, place.config.alerts.log_mib)


def judge_wal(seen: WalSeen) -> Diagnosis:
    if seen.bytes > seen.bound_mib * MIB:
        return Diagnosis(
            "warn",
            f"evd.db-wal has {seen.bytes // MIB} MiB",
            "some program reads evd.db without an end: close it",
            f"fuser -v {seen.database}",
        )
    return ok(f"evd.db-wal has {seen.bytes / MIB:.1f} MiB")


class DiskSeen(NamedTuple):
    free: int
    total: int
    inodes_free: int
    low_mib: int
    low_percent: float
    full: bool


def look_at_disk(place: Surroundings) -> DiskSeen:
    disk = os.statvfs(place.data_dir.directory)
    alerts = place.config.alerts
    full = bool(((place.statistics or {}).get("disk") or {}).get("full"))
    # A file system that makes inodes as it needs them reports none at all.
    inodes = disk.f_favail if disk.f_files else 1 << 30
    sizes = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    return DiskSeen(*sizes, inodes, alerts.disk_free_mib, alerts.disk_free_percent, full)


INODES_MIN = 1000
"""evd has a dozen files; a machine with fewer left is about to stop."""


def judge_disk(seen: DiskSeen) -> Diagnosis:
    free = f"{seen.free // MIB} MiB free of {seen.total // MIB}"
    remedy, look = "make room: old logs, packages, backups", "du -xh --max-depth=2 / | sort -h | tail"
    if seen.full:
        return Diagnosis("fail", f"the last write found no space ({free})", remedy, look)
    if seen.inodes_free < INODES_MIN:
        return Diagnosis("fail", f"only {seen.inodes_free} more files fit on the disk", remedy, "df -i")
    if seen.free < min(seen.low_mib * MIB, seen.total * seen.low_percent / 100):
        return Diagnosis("warn", f"the disk is nearly full: {free}", remedy, look)
    return ok(free)


class FilesSeen(NamedTuple):
    directory: Path
    owner: str
    foreign: list[str]
    """Names of files that another user owns."""
    open: list[str]
    """Names of files that everyone may read."""


def look_at_files(place: Surroundings) -> FilesSeen:
    directory = place.data_dir.directory
    about = directory.stat()
    files = {path.name: path.lstat() for path in sorted(directory.iterdir()) if not path.is_dir()}
    foreign = [name for name, found in files.items() if found.st_uid != about.st_uid]
    everyone = stat.S_IROTH | stat.S_IWOTH
    is_open = bool(about.st_mode & stat.S_IXOTH)
    readable = [name for name, found in files.items() if found.st_mode & everyone and not stat.S_ISLNK(found.st_mode)]
    return FilesSeen(directory, f"{about.st_uid}:{about.st_gid}", foreign, readable if is_open else [])


def judge_files(seen: FilesSeen) -> Diagnosis:
    if seen.foreign:
        return Diagnosis(
            "fail",
            f"{', '.join(seen.foreign[:3])} in {seen.directory} belong to another user than the directory",
            "a command ran as another user; evd cannot write them: give them back",
            f"chown {seen.owner} {seen.directory}/*",
        )
    if seen.open:
        return Diagnosis(
            "warn",
            f"everyone on this machine may read {', '.join(seen.open[:3])} in {seen.directory}",
            "close the directory to others",
            f"chmod o-rwx {seen.directory}",
        )
    return ok("all files are evd's own, and closed to others")


def look_at_first_keys(place: Surroundings) -> Path | None:
    path = place.data_dir.directory / "first-keys"
    return path if path.exists() else None


def judge_first_keys(seen: Path | None) -> Diagnosis:
    if seen is not None:
        return Diagnosis(
            "warn", f"the first keys are still in {seen}", "note them elsewhere, then remove it", f"rm {seen}"
        )
    return ok("the first keys are in no file")


class AlarmsSeen(NamedTuple):
    standing: list[str] | None
    """Sentences; None where no evd runs."""
    ways: bool
    look: str


def look_at_alarms(place: Surroundings) -> AlarmsSeen:
    alerts = place.config.alerts
    usual = AlarmSettings()
    ways = any(
        isinstance(value := getattr(alerts, name), str | list) and value != getattr(usual, name)
        for name in usual.__struct_fields__
    )
    found = place.statistics
    standing = None if found is None else [str(one["sentence"]) for one in found.get("alarms", ())]
    return AlarmsSeen(standing, ways, command(place, "stats"))


def judge_alarms(seen: AlarmsSeen) -> Diagnosis:
    if seen.standing:
        more = f", and {len(seen.standing) - 1} more" if len(seen.standing) > 1 else ""
        return Diagnosis("warn", f"{seen.standing[0]}{more}", "each alarm says what to do", seen.look)
    if not seen.ways:
        return Diagnosis(
            "warn",
            "nobody gets a message of an alarm",
            "set a way to you under [alerts] in evd.toml",
            "evd alerts test",
        )
    return skipped("no evd runs") if seen.standing is None else ok("no alarm stands")
