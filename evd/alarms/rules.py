"""The alarm rules: a row of RULES for each alarm of evd's operator (`[alerts]`), evaluated on readings of the daemon.

An alarm is raised at one bound, and cleared at a lower one after a time of calm (evd.alarms.state).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from evd.alarms.phone_alarms import dropped_level, dropped_text, stopped_level, stopped_text
from evd.alarms.readings import Readings
from evd.alarms.silence import Rhythm
from evd.config.alarm_settings import AlarmSettings
from evd.model.daemon_state import PauseReason
from evd.model.units import DAY_S, HOUR_S, MINUTE_S

MIB = 1024 * 1024

Severity = Literal["critical", "warning"]
"""critical: callbacks or pushes are lost, or soon will be."""


class Growth(NamedTuple):
    """Counts of the last hour."""

    quota_pauses: int
    foreign_senders: int
    dropped: int
    displaced: int
    rejections: int
    unexplained: int
    ahead: int
    newest: int
    crowded: int


class Judged(NamedTuple):
    """The input of a rule."""

    readings: Readings
    hour: Growth
    rhythm: Rhythm
    bounds: AlarmSettings


class AlarmRule(NamedTuple):
    """An alarm: raised at a `level` of 1 or more, cleared once the level was below `clear_below` for `calm_s`."""

    name: str
    severity: Severity
    level: Callable[[Judged], float | None]
    """None: unknown."""
    clear_below: float
    calm_s: float
    sentence: Callable[[Judged], str]
    """What is wrong, where, and what to do."""


def span(seconds: float) -> str:
    """A duration as text: `40 s`, `12 min`, `3 h`, `2 days`."""
    for unit, size in (("days", DAY_S), ("h", HOUR_S), ("min", MINUTE_S)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _paused(kind: PauseReason) -> Callable[[Judged], float | None]:
    return lambda seen: None if seen.readings.pause_kind is None else float(seen.readings.pause_kind == kind)


def _quota(seen: Judged) -> float | None:
    return float(seen.hour.quota_pauses) or _paused(PauseReason.QUOTA)(seen)


def _push_old(seen: Judged) -> float | None:
    age_s = seen.readings.oldest_push_s
    return None if age_s is None else age_s / seen.bounds.push_old_after_s


def _push_old_text(seen: Judged) -> str:
    why = "`evd push resume` resumes them" if seen.readings.held else "check evd's log and the provider's status page"
    return f"pushes have been waiting for {span(seen.readings.oldest_push_s or 0)}: {why}"


def _disk(seen: Judged) -> float | None:
    readings = seen.readings
    if readings.disk_full:
        return math.inf
    if readings.disk_free_bytes is None:
        return None
    # A small disk needs less free space than a large one.
    wanted = min(seen.bounds.disk_free_mib * MIB, readings.disk_total_bytes * seen.bounds.disk_free_percent / 100)
    return wanted / max(readings.disk_free_bytes, 1)


def _rejections(seen: Judged) -> float:
    """1: at the last hour's rate, a day fills all rows of `rejected`."""
    return seen.hour.rejections * 24 / seen.readings.rejected_max


def _silence(seen: Judged) -> float | None:
    silent_s = seen.rhythm.silent_s
    return None if silent_s is None else silent_s / seen.rhythm.limit_s(seen.bounds.silent_after_s)


def _log(seen: Judged) -> float | None:
    length = seen.readings.log_bytes
    return None if length is None else length / (seen.bounds.log_mib * MIB)


def _clock(seen: Judged) -> float:
    """1: the clock is an hour behind, or most statuses of the last hour, at least three, lie ahead of it."""
    most_ahead = seen.hour.ahead / 3 if seen.hour.ahead > seen.hour.newest else 0.0
    return max(seen.readings.clock_behind_s / HOUR_S, most_ahead)


def _clock_text(seen: Judged) -> str:
    if seen.readings.clock_behind_s:
        return (
            f"the server's clock is {span(seen.readings.clock_behind_s)} behind evd's own time, which evd uses: set "
            "the clock (`timedatectl`), or set server.trust_clock if the clock is right"
        )
    return (
        f"{seen.hour.ahead} statuses within an hour lie more than a day ahead of the server's clock, and "
        f"{seen.hour.newest} do not: set the clock (`timedatectl`), or correct the senders' clocks"
    )


def _certificate(seen: Judged) -> float | None:
    days = seen.readings.certificate_days
    if days is None:
        return None
    return math.inf if days <= 0 else seen.bounds.certificate_days / days


def _certificate_text(seen: Judged) -> str:
    days = seen.readings.certificate_days or 0.0
    when = f"ends in {days:.0f} days" if days >= 1 else "ends today" if days > 0 else "has ended"
    return f"the certificate of server.tls_cert {when}: renew it, and restart evd so that it serves the new one"


#: The bounds without a setting: credentials count as accepted a minute after a push was taken, a quota as sufficient
#: after ten; values count as explained after a day, in which each vehicle sends; a disk must have a quarter more than
#: the bound. docs/operating.md lists the alarms.
RULES: tuple[AlarmRule, ...] = (
    AlarmRule(
        "push_credentials",
        "critical",
        _paused(PauseReason.CREDENTIALS),
        clear_below=1,
        calm_s=60,
        sentence=lambda seen: f"no pushes go out, because the provider refuses evd: {seen.readings.pause_reason}",
    ),
    AlarmRule(
        "push_quota",
        "warning",
        _quota,
        clear_below=1,
        calm_s=600,
        sentence=lambda seen: (
            "the provider's quota of messages is used up, so pushes are late: lower push.rate_max or ask for more quota"
        ),
    ),
    AlarmRule(
        "push_paused",
        "warning",
        _paused(PauseReason.OTHER),
        clear_below=1,
        calm_s=60,
        sentence=lambda seen: f"no pushes go out for now: {seen.readings.pause_reason}",
    ),
    AlarmRule(
        "push_old",
        "warning",
        _push_old,
        clear_below=0.5,
        calm_s=60,
        sentence=_push_old_text,
    ),
    AlarmRule(
        "push_foreign_sender",
        "warning",
        lambda seen: float(seen.hour.foreign_senders),
        clear_below=1,
        calm_s=0,
        sentence=lambda seen: (
            f"{seen.hour.foreign_senders} registrations within an hour belonged to another Firebase project and were "
            "dropped: compare the app's google-services.json with push.credentials"
        ),
    ),
    AlarmRule(
        "push_dropped",
        "warning",
        lambda seen: dropped_level(seen.hour.dropped, seen.readings.stopped),
        clear_below=0.5,
        calm_s=0,
        sentence=lambda seen: dropped_text(seen.hour.dropped),
    ),
    AlarmRule(
        "push_stopped",
        "warning",
        lambda seen: stopped_level(seen.readings.stopped, seen.hour.displaced),
        clear_below=1,
        calm_s=0,
        sentence=lambda seen: stopped_text(seen.readings.stopped, seen.hour.displaced),
    ),
    AlarmRule(
        "disk_low",
        "critical",
        _disk,
        clear_below=0.8,
        calm_s=30,
        sentence=lambda seen: (
            f"the disk of evd's directory has {(seen.readings.disk_free_bytes or 0) // MIB} MiB left, and callbacks "
            "are refused when it is full: free some space, or use a larger disk"
        ),
    ),
    AlarmRule(
        "not_writing",
        "critical",
        lambda seen: math.inf if seen.readings.stalled else 0.0,
        clear_below=1,
        calm_s=30,
        sentence=lambda seen: f"nothing is written, and callbacks are answered 503: {seen.readings.stalled}",
    ),
    AlarmRule(
        "rejections",
        "warning",
        _rejections,
        clear_below=0.25,
        calm_s=600,
        sentence=lambda seen: (
            f"{seen.hour.rejections} callbacks were rejected within an hour, and evd keeps the newest "
            f"{seen.readings.rejected_max}: `evd rejected list` says why, `replay` takes them after the fix"
        ),
    ),
    AlarmRule(
        "unexplained_values",
        "warning",
        lambda seen: float(seen.hour.unexplained),
        clear_below=1,
        calm_s=DAY_S,
        sentence=lambda seen: (
            f"vehicle {seen.readings.unexplained_by} sends values that its format does not explain "
            f"({seen.readings.unexplained_fields}): assign the right one with `evd format assign`, then correct kept "
            f"statuses with `evd redecode`; such statuses of all vehicles within an hour: {seen.hour.unexplained}"
        ),
    ),
    AlarmRule(
        "silent",
        "critical",
        _silence,
        clear_below=1,
        calm_s=0,
        sentence=lambda seen: (
            f"no callback has come for {span(seen.rhythm.silent_s or 0)}, which is longer than usual: "
            "`evd sigfox check` tests each step of a callback"
        ),
    ),
    AlarmRule(
        "log_long",
        "warning",
        _log,
        clear_below=0.55,
        calm_s=60,
        sentence=lambda seen: (
            f"the WAL (evd.db-wal) has grown to {(seen.readings.log_bytes or 0) // MIB} MiB: end the program that "
            "holds a long read transaction on evd.db"
        ),
    ),
    AlarmRule(
        "loop_lag",
        "warning",
        lambda seen: seen.readings.loop_lag_s * 1000 / seen.bounds.loop_lag_ms,
        clear_below=1,
        calm_s=300,
        sentence=lambda seen: (
            f"evd stood still for {seen.readings.loop_lag_s:.2g} s, and every request waited: check what else uses the "
            "machine's processors or makes it swap; if nothing does, report it"
        ),
    ),
    AlarmRule(
        "clock",
        "critical",
        _clock,
        clear_below=1,
        calm_s=0,
        sentence=_clock_text,
    ),
    AlarmRule(
        "crowded",
        "warning",
        lambda seen: float(seen.hour.crowded),
        clear_below=1,
        calm_s=0,
        sentence=lambda seen: (
            f"{seen.hour.crowded} connections were closed within an hour because too many have no key, "
            f"most of them from {seen.readings.crowded_by}: block that address in front of evd, or give its clients a "
            "key; if all of them are wanted, raise server.connections_max"
        ),
    ),
    AlarmRule(
        "certificate",
        "warning",
        _certificate,
        clear_below=0.95,
        calm_s=0,
        sentence=_certificate_text,
    ),
)
