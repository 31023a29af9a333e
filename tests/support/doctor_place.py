"""What a doctor is shown in tests: a directory with settings of the test, a certificate; and one check made there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import trustme

from evd.config.data_dir import DataDirectory
from evd.doctor.checks import CHECKS, examined
from evd.doctor.finding import Diagnosis
from evd.doctor.place import look_around

BY_NAME = {check.name: check for check in CHECKS}


def examine(name: str, directory: Path, *, env: Mapping[str, str] | None = None, url: str = "") -> Diagnosis:
    place = look_around(DataDirectory(directory), env or {}, now_s=time.time(), url=url)
    return examined(BY_NAME[name], place)


def settings(text: str) -> Callable[[Path], None]:
    def write(directory: Path) -> None:
        (directory / "evd.toml").write_text(text)

    return write


def issued(authority: trustme.CA, days: float = 90) -> trustme.LeafCert:
    ends = datetime.now(timezone.utc) + timedelta(days=days)  # noqa: UP017
    return authority.issue_cert("evd.example.org", not_before=ends - timedelta(days=91), not_after=ends)
