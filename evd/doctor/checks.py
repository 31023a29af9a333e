"""The table of checks, and how one is made: a function looks, a pure one judges what was seen."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from evd.doctor import data, machine, outside, trust
from evd.doctor.finding import Diagnosis, Finding
from evd.doctor.place import Surroundings
from evd.errors import ConfigError, EvdError


class Check(NamedTuple):
    """`look` may raise EvdError or OSError; `judge` gets what it returned."""

    name: str
    look: Callable[[Surroundings], Any]
    judge: Callable[[Any], Diagnosis]


CHECKS: tuple[Check, ...] = (
    Check("versions", machine.look_at_versions, machine.judge_versions),
    Check("settings", data.look_at_settings, data.judge_settings),
    Check("daemon", data.look_at_daemon, data.judge_daemon),
    Check("unit", machine.look_at_unit, machine.judge_unit),
    Check("hardening", machine.look_at_hardening, machine.judge_hardening),
    Check("sqlite", data.look_at_sqlite, data.judge_sqlite),
    Check("database", data.look_at_database, data.judge_database),
    Check("wal", data.look_at_wal, data.judge_wal),
    Check("disk", data.look_at_disk, data.judge_disk),
    Check("files", data.look_at_files, data.judge_files),
    Check("first-keys", data.look_at_first_keys, data.judge_first_keys),
    Check("keys", trust.look_at_keys, trust.judge_keys),
    Check("emulators", trust.look_at_emulators, trust.judge_emulators),
    Check("user-header", trust.look_at_user_header, trust.judge_user_header),
    Check("clock", machine.look_at_clock, machine.judge_clock),
    Check("descriptors", machine.look_at_descriptors, machine.judge_descriptors),
    Check("certificate", outside.look_at_certificate, outside.judge_certificate),
    Check("fcm", outside.look_at_fcm, outside.judge_fcm),
    Check("alarms", data.look_at_alarms, data.judge_alarms),
)
"""In the order in which they are shown: what the others depend on comes first."""


def findings(place: Surroundings) -> Iterator[Finding]:
    for check in CHECKS:
        yield Finding(check.name, *examined(check, place))


def examined(check: Check, place: Surroundings) -> Diagnosis:
    """Never raises for the state of a machine."""
    try:
        return check.judge(check.look(place))
    except PermissionError as error:
        closed = f"{error.filename or place.data_dir.directory} may not be read by this user"
        return Diagnosis("warn", closed, "run this as root", "sudo evd doctor")
    except ConfigError as error:
        return Diagnosis("fail", str(error), "correct it", f"editor {place.data_dir.settings}")
    except (EvdError, OSError, subprocess.SubprocessError) as error:
        return Diagnosis("fail", f"cannot be looked at: {error}", "see that it exists, and who may read it", "")
