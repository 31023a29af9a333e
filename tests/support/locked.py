"""What requirements.lock says, read by its form: `NAME==VERSION ; MARKER \\` and its hashes, one a line."""

from __future__ import annotations

import re
from typing import NamedTuple

from folders import ROOT

LOCK = ROOT / "requirements.lock"
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?:\s*;(?P<marker>[^\\]*))?")


class Locked(NamedTuple):
    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def locked() -> list[Locked]:
    """Its requirements. A line of another form is an error."""
    found: list[Locked] = []
    for requirement in LOCK.read_text().replace("\\\n", "\\").splitlines():
        if not requirement.strip() or requirement.startswith("#"):
            continue
        pin, *hashes = [part.strip() for part in requirement.split("\\")]
        match = _PIN.fullmatch(pin)
        assert match is not None, f"requirements.lock: {pin}"
        found.append(Locked(match["name"].lower(), match["version"], (match["marker"] or "").strip(), tuple(hashes)))
    return found


def locked_versions() -> dict[str, str]:
    """NAME → VERSION of what every machine has."""
    return {one.name: one.version for one in locked() if not one.marker}
