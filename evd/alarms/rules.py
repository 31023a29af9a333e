"""What alarms: a row of RULES for each alarm of evd's operator (`[alerts]`), judged by readings of the daemon.

An alarm is raised at one bound, cleared at another one and only after some calm (evd.alarms.state).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec

from evd.alarms.phones import dropped_level, dropped_text, stopped_level, stopped_text
from evd.alarms.silence import Rhythm
from evd.config.settings import AlarmSettings
from evd.model.daemon_state import PauseReason, StoppedPhonesState
from evd.model.units import DAY_S, HOUR_S, MINUTE_S

MIB = 1024 * 1024

Severity = Literal["critical", "warning"]
"""critical: callbacks or pushes are lost, or soon will be."""


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """How the daemon is at `now` (epoch ms). What is not known is None: an alarm about it stays as it is."""

    now: int
    pause_kind: PauseReason | None = None
    """None: nothing was sent yet, so nobody knows."""
    pause_reason: str = ""
    held: bool = False
    """The operator keeps pushes back (`evd push pause`)."""
    quota_pauses: int = 0
    """Since the start, as those that are counted below."""
    foreign_senders: int = 0
    """Registrations dropped because they belong to another Firebase project (403 SENDER_ID_MISMATCH)."""
    dropped: int = 0
    """Registrations that a provider said are dead."""
    displaced: int = 0
    """Phones that made room for newer ones though a provider took a push for them lately."""
    stopped: StoppedPhonesState | None = None
    """Phones that are registered, and those of them that evd sends nothing now; None: nobody has looked yet."""
    rejections: int = 0
    unexplained: int = 0
    """Statuses whose sender's values contradict what their format makes of the payload."""
    unexplained_by: str = ""
    """The vehicle of the last one; and its fields that differ."""
    unexplained_fields: str = ""
    oldest_push_s: float | None = None
    """For how long pushes have been waiting; 0: none waits."""
    callbacks: int = 0
    """Taken since the start, whatever came of them."""
    disk_free_bytes: int | None = None
    disk_total_bytes: int = 0
    disk_full: bool = False
    """The last commit found no space."""
    stalled: str = ""
    """Why the database has taken nothing for some seconds, and what to do; empty: it takes what comes."""
    rejected_max: int = 10_000
    """Rows that `rejected` keeps."""
    log_bytes: int | None = None
    """The length of the database's log (evd.db-wal)."""
    loop_lag_s: float = 0.0
    """The most by which evd's loop was late within the last minute or two."""
    clock_behind_s: float = 0.0
    """The server's clock is not believed, and evd's time is later by so much."""
    ahead: int = 0
    """Statuses whose time lay more than a day ahead; and those that were their vehicles' newest."""
    newest: int = 0
    crowded: int = 0
    """Connections that gave way to others, or were turned away, because there were too many."""
    crowded_by: str = ""
    """The address of most of them."""
    certificate_days: float | None = None
    """Until the certificate that evd shows ends; None: it shows none."""


class Growth(NamedTuple):
    """What was counted within the last hour."""

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
    """What a rule looks at."""

    readings: Readings
    hour: Growth
    rhythm: Rhythm
    bounds: AlarmSettings


class AlarmRule(NamedTuple):
    """An alarm: raised at a `level` of 1 or more, cleared when that was below `clear_below` for `calm_s`."""

    name: str
    severity: Severity
    level: Callable[[Judged], float | None]
    """None: not known."""
    clear_below: float
    calm_s: float
    sentence: Callable[[Judged], str]
    """What is wrong, where, and what to do."""


def span(seconds: float) -> str:
    """In words: `40 s`, `12 min`, `3 h`, `2 days`."""
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
    why = (
        "`evd push resume` lets them go on"
        if seen.readings.held
        else "look at evd's log and at the provider's status page"
    )
    return f"pushes have been waiting for {span(seen.readings.oldest_push_s or 0)}: {why}"


def _disk(seen: Judged) -> float | None:
    readings = seen.readings
    if readings.disk_full:
        return math.inf
    if readings.disk_free_bytes is None:
        return None
    # A small disk need not keep as much free as a large one.
    wanted = min(seen.bounds.disk_free_mib * MIB, readings.disk_total_bytes / 20)
    return wanted / max(readings.disk_free_bytes, 1)


def _rejections(seen: Judged) -> float:
    """1: at the last hour's pace, a day fills all that `rejected` holds."""
    return seen.hour.rejections * 24 / seen.readings.rejected_max


def _silence(seen: Judged) -> float | None:
    silent_s = seen.rhythm.silent_s
    return None if silent_s is None else silent_s / seen.rhythm.limit_s(seen.bounds.silent_after_s)


def _log(seen: Judged) -> float | None:
    length = seen.readings.log_bytes
    return None if length is None else length / (seen.bounds.log_mib * MIB)


def _clock(seen: Judged) -> float:
    """1: it is an hour behind, or most statuses of the last hour lie ahead of it, three at least."""
    most_ahead = seen.hour.ahead / 3 if seen.hour.ahead > seen.hour.newest else 0.0
    return max(seen.readings.clock_behind_s / HOUR_S, most_ahead)


def _clock_text(seen: Judged) -> str:
    if seen.readings.clock_behind_s:
        return (
            f"the server's clock is {span(seen.readings.clock_behind_s)} behind what evd knows, which it goes by: set "
            "the clock (`timedatectl`), or set server.trust_clock where it is right"
        )
    return (
        f"{seen.hour.ahead} statuses within an hour lie more than a day ahead of the server's clock, and "
        f"{seen.hour.newest} do not: set the clock (`timedatectl`), or mend the senders'"
    )


def _certificate(seen: Judged) -> float | None:
    days = seen.readings.certificate_days
    if days is None:
        return None
    return math.inf if days <= 0 else seen.bounds.certificate_days / days


def _certificate_text(seen: Judged) -> str:
    days = seen.readings.certificate_days or 0.0
    when = f"ends in {days:.0f} days" if days >= 1 else "ends today" if days > 0 else "has ended"
    return f"the certificate of server.tls_cert {when}: renew it, and restart evd so that it shows the new one"


#: The bounds without a setting: credentials count as accepted a minute after a push went through, a quota as kept after
#: ten; values count as explained after a day, in which each vehicle speaks; a disk must have a quarter more than the
#: bound; reliability.md 2.4 (pushes), R5, R8 and S18 say what alarms.
RULES: tuple[AlarmRule, ...] = (
    AlarmRule(
        "push_credentials",
        "critical",
        _paused(PauseReason.CREDENTIALS),
        clear_below=1,
        calm_s=60,
        sentence=lambda seen: f"no pushes go out, the provider refuses evd: {seen.readings.pause_reason}",
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
            "are refused when it is full: make space, or give it a larger disk"
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
            f"({seen.readings.unexplained_fields}): give it the right one with `evd format assign`, then "
            f"`evd redecode` mends what is kept; such statuses of all vehicles within an hour: {seen.hour.unexplained}"
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
            "`evd sigfox check` walks the way that a callback takes"
        ),
    ),
    AlarmRule(
        "log_long",
        "warning",
        _log,
        clear_below=0.55,
        calm_s=60,
        sentence=lambda seen: (
            f"the database's log (evd.db-wal) has grown to {(seen.readings.log_bytes or 0) // MIB} MiB: end whatever "
            "program holds a long read transaction on evd.db"
        ),
    ),
    AlarmRule(
        "loop_lag",
        "warning",
        lambda seen: seen.readings.loop_lag_s * 1000 / seen.bounds.loop_lag_ms,
        clear_below=1,
        calm_s=300,
        sentence=lambda seen: (
            f"evd stood still for {seen.readings.loop_lag_s:.2g} s, and every request waited: look what else takes the "
            "machine's processors or makes it swap; where nothing does, report it"
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
            f"{seen.hour.crowded} connections within an hour had to give way, for too many show no key, "
            f"most of them from {seen.readings.crowded_by}: block that address before evd, or give its callers a key; "
            "where all of them are welcome, raise server.connections_max"
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
