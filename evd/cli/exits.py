"""Exit codes: each is a cause. docs/commands.md has this table (tests/cli/test_exits.py)."""

from __future__ import annotations

from typing import NamedTuple

from evd.errors import (
    AlarmError,
    AlreadyRunning,
    ConfigError,
    EvdError,
    HttpError,
    NoDaemon,
    PushError,
    SigfoxError,
    StoreBroken,
    StoreBusy,
    StoreDamaged,
    StoreFull,
    StoreRefused,
)


class Cause(NamedTuple):
    """Why a command ends with this code; `errors` are those that it stands for."""

    code: int
    name: str
    meaning: str
    errors: tuple[type[EvdError], ...] = ()


DONE = Cause(0, "done", "All is done.")
FAILED = Cause(1, "failed", "It failed for another reason, which the sentence says; or a check found something.")
WRONG = Cause(2, "wrong", "A setting or the command line is wrong.", (ConfigError,))
LOCKED = Cause(3, "locked", "Another evd or another program uses the database.", (AlreadyRunning, StoreBusy))
NO_DAEMON = Cause(4, "no-daemon", "No evd runs, or it does not answer.", (NoDaemon,))
FAR_SIDE = Cause(
    5,
    "far-side",
    "Sigfox, Firebase, a mail server or another far side refused, or cannot be reached.",
    (HttpError, SigfoxError, PushError, AlarmError),
)
PARTLY = Cause(6, "partly", "A part is done; the rest is named.")
UNUSABLE = Cause(
    7, "unusable", "The database is newer than this evd, damaged, or not evd's.", (StoreDamaged, StoreRefused)
)
BROKEN = Cause(70, "broken", "The database failed, or the disk is full.", (StoreBroken, StoreFull))
INTERRUPTED = Cause(130, "interrupted", "Ctrl-C or SIGTERM; what was done until then stays.")

CAUSES = (DONE, FAILED, WRONG, LOCKED, NO_DAEMON, FAR_SIDE, PARTLY, UNUSABLE, BROKEN, INTERRUPTED)

NO_RESTART = (WRONG, UNUSABLE)
"""What no restart of a daemon mends: `RestartPreventExitStatus=` of evd.service."""


def cause_of(error: EvdError) -> Cause:
    """The first one with the error's type, or with one that it descends from."""
    return next((cause for cause in CAUSES if isinstance(error, cause.errors)), FAILED)


def cause_with(code: int) -> Cause:
    return next((cause for cause in CAUSES if cause.code == code), FAILED)
