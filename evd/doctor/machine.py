"""The machine: clock, descriptors, the systemd units and how they are hardened, versions."""

from __future__ import annotations

import ctypes
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from evd.config.heartbeat import Heartbeat
from evd.doctor.finding import Diagnosis, ok, skipped
from evd.doctor.place import UNIT, Surroundings
from evd.payload.codec import IMPLEMENTATION
from evd.version import VERSION

ASKED_S = 20.0
"""systemd answers within a second; a machine that starts is slower."""

EXPOSURE_MAX = 2.0
"""Of `systemd-analyze security`: evd's own unit has 1.1; above this something was taken away."""

BEHIND_MAX_S = 60.0


class ClockSeen(NamedTuple):
    synchronized: bool | None
    """None: the kernel does not say."""
    behind_s: float
    """How far the clock is behind the time that evd saw last."""


def look_at_clock(place: Surroundings) -> ClockSeen:
    alive_ms = Heartbeat(place.data_dir.directory / "alive").last() or 0
    return ClockSeen(_synchronized(), max(0.0, alive_ms / 1000 - place.now_s))


def _synchronized() -> bool | None:
    """adjtimex(2): TIME_ERROR (5) while no time service disciplines the clock."""
    room = ctypes.create_string_buffer(512)  # struct timex has 208 bytes; all zero: a question only
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(room)
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != 5


def judge_clock(seen: ClockSeen) -> Diagnosis:
    if seen.behind_s > BEHIND_MAX_S:
        return Diagnosis(
            "fail",
            f"the clock is {seen.behind_s:.0f} s behind the time that evd saw last",
            "set it: evd goes by its own time until then",
            "timedatectl set-ntp true",
        )
    if seen.synchronized is False:
        return Diagnosis(
            "warn", "no time service keeps the clock right", "start one", "apt-get install systemd-timesyncd"
        )
    return skipped("the kernel does not say") if seen.synchronized is None else ok("the clock is synchronized")


class DescriptorsSeen(NamedTuple):
    allowed: int
    connections: int


BESIDE = 256
"""Descriptors for the database and the pushes beside the connections."""


def look_at_descriptors(place: Surroundings) -> DescriptorsSeen:
    soft, hard = resource.prlimit(place.pid or 0, resource.RLIMIT_NOFILE)
    found = hard if place.pid is None else soft  # evd raises its own, as far as it may
    return DescriptorsSeen(1 << 30 if found == resource.RLIM_INFINITY else found, place.config.server.connections_max)


def judge_descriptors(seen: DescriptorsSeen) -> Diagnosis:
    if seen.allowed < seen.connections + BESIDE:
        return Diagnosis(
            "warn",
            f"evd may open {seen.allowed} files, {seen.connections} connections need {seen.connections + BESIDE}",
            "set LimitNOFILE in the unit, or a lower server.connections_max",
            f"systemctl edit {UNIT}",
        )
    return ok(f"evd may open {seen.allowed} files, for {seen.connections} connections")


class UnitSeen(NamedTuple):
    """None: this machine has no systemd that answers. Values are systemd's properties."""

    properties: dict[str, str] | None


PROPERTIES = ("LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload", "NRestarts", "Result", "FragmentPath")


def look_at_unit(place: Surroundings) -> UnitSeen:
    if shutil.which("systemctl") is None or not Path("/run/systemd/system").is_dir():
        return UnitSeen(None)
    shown = _said("systemctl", "show", UNIT, f"--property={','.join(PROPERTIES)}")
    pairs = [line.partition("=") for line in shown.splitlines()]
    return UnitSeen({name: value for name, _, value in pairs} or None)


def _said(*arguments: str) -> str:
    return subprocess.run(arguments, capture_output=True, text=True, timeout=ASKED_S, check=False).stdout


RESTARTS_MANY = 5


def judge_unit(seen: UnitSeen) -> Diagnosis:
    found = seen.properties
    if found is None:
        return skipped("systemd does not run here")
    if found.get("LoadState") != "loaded":
        return Diagnosis(
            "warn", f"{UNIT} is not installed: after a restart of the machine evd is off", "install it", "evd setup"
        )
    if found.get("ActiveState") == "failed":
        return Diagnosis(
            "fail", f"{UNIT} has failed ({found.get('Result')})", "its log says why", f"journalctl -u {UNIT} -n 50"
        )
    if found.get("NeedDaemonReload") == "yes":
        return Diagnosis("warn", f"{UNIT} has changed since systemd read it", "let it read", "systemctl daemon-reload")
    if found.get("UnitFileState") not in ("enabled", "enabled-runtime", "static", "indirect"):
        return Diagnosis("warn", f"{UNIT} does not start with the machine", "enable it", f"systemctl enable {UNIT}")
    restarts = int(found.get("NRestarts") or 0)
    if restarts >= RESTARTS_MANY:
        return Diagnosis(
            "warn", f"systemd restarted evd {restarts} times", "its log says why", f"journalctl -u {UNIT} -p warning"
        )
    return ok(f"{found.get('FragmentPath')} is enabled and {found.get('ActiveState')}")


class HardeningSeen(NamedTuple):
    """`path` of the unit's file, None: it is not installed; its exposure, None: nothing here can tell."""

    path: str | None
    exposure: float | None


def look_at_hardening(place: Surroundings) -> HardeningSeen:
    path = (look_at_unit(place).properties or {}).get("FragmentPath") or ""
    if not path:
        return HardeningSeen(None, None)
    return HardeningSeen(path, exposure(Path(path)))


def exposure(unit: Path) -> float | None:
    """What `systemd-analyze security` says of a unit's file; 0 is best, 10 worst."""
    if shutil.which("systemd-analyze") is None:
        return None
    said = _said("systemd-analyze", "security", "--offline=true", "--no-pager", str(unit))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    return float(found[1]) if found else None


def judge_hardening(seen: HardeningSeen) -> Diagnosis:
    if seen.path is None or seen.exposure is None:
        return skipped(f"{UNIT} is not installed" if seen.path is None else "systemd-analyze is not here")
    if seen.exposure > EXPOSURE_MAX:
        return Diagnosis(
            "warn",
            f"{seen.path} has an exposure of {seen.exposure} of 10",
            "install evd's own unit again, and put changes into a drop-in",
            "evd setup",
        )
    return ok(f"the unit's exposure is {seen.exposure} of 10")


class VersionsSeen(NamedTuple):
    installed: str
    running: str | None
    codec: str
    python: tuple[int, ...]


def look_at_versions(place: Surroundings) -> VersionsSeen:
    running = None if place.statistics is None else str(place.statistics["version"])
    return VersionsSeen(VERSION, running, IMPLEMENTATION, tuple(sys.version_info[:3]))


def judge_versions(seen: VersionsSeen) -> Diagnosis:
    python = ".".join(map(str, seen.python))
    if seen.running is not None and seen.running != seen.installed:
        return Diagnosis(
            "warn",
            f"evd {seen.running} runs, {seen.installed} is installed",
            "restart it into the new version",
            "systemctl restart evd",
        )
    if seen.codec == "python":
        return Diagnosis(
            "warn",
            f"evd {seen.installed} runs without its compiled codec, at a tenth of its speed",
            "install a wheel for this machine, or a compiler and evd again",
            "pip install --force-reinstall evd",
        )
    return ok(f"evd {seen.installed}, Python {python}, codec {seen.codec}")
