"""What a check finds. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

State = Literal["ok", "warn", "fail", "skipped"]


class Diagnosis(NamedTuple):
    """`what` was found; for a warning or a failure a sentence says what to do, and `command` does it."""

    state: State
    what: str
    remedy: str = ""
    command: str = ""


class Finding(msgspec.Struct, frozen=True):
    """A verdict with the name of its check."""

    check: str
    state: State
    what: str
    remedy: str = ""
    command: str = ""


def ok(what: str) -> Diagnosis:
    return Diagnosis("ok", what)


def skipped(what: str) -> Diagnosis:
    return Diagnosis("skipped", what)


def exit_code(findings: Iterable[Finding]) -> int:
    """0: all is well; 1: something to look at; 2: something does not work."""
    states = {finding.state for finding in findings}
    return 2 if "fail" in states else 1 if "warn" in states else 0
