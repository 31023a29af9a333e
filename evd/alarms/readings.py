"""The readings that the alarm rules judge, and how they follow from the daemon's state."""

from __future__ import annotations

import msgspec

from evd.model.daemon_state import DaemonState, PauseReason, PushOutcome, PushState, StoppedPhonesState
from evd.model.units import DAY_S
from evd.sigfox.decode_findings import shown


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon's state at `now` (epoch ms). None means unknown: an alarm about it stays as it is."""

    now: int
    pause_kind: PauseReason | None = None
    """None: nothing was sent yet."""
    pause_reason: str = ""
    held: bool = False
    """The operator paused pushes (`evd push pause`)."""
    quota_pauses: int = 0
    """Since the start, like the counts below."""
    foreign_senders: int = 0
    """Registrations dropped because they belong to another Firebase project (403 SENDER_ID_MISMATCH)."""
    dropped: int = 0
    """Registrations that a provider reported as dead."""
    displaced: int = 0
    """Phones that made room for newer ones though a provider took a push for them lately."""
    stopped: StoppedPhonesState | None = None
    """Phones that are registered, and those of them that evd sends nothing now; None: not looked up yet."""
    rejections: int = 0
    unexplained: int = 0
    """Statuses whose sender's values contradict what their format makes of the payload."""
    unexplained_by: str = ""
    """The vehicle of the last of these; `unexplained_fields` are its fields that differ."""
    unexplained_fields: str = ""
    oldest_push_s: float | None = None
    """How long the oldest due push has been waiting; 0: none is due."""
    callbacks: int = 0
    """Callbacks since the start, with any outcome."""
    disk_free_bytes: int | None = None
    disk_total_bytes: int = 0
    disk_full: bool = False
    """The last commit found no space."""
    stalled: str = ""
    """Why nothing could be written for some seconds, and what to do; empty: writing works."""
    rejected_max: int = 10_000
    """Rows that `rejected` keeps."""
    log_bytes: int | None = None
    """The length of the WAL (evd.db-wal)."""
    loop_lag_s: float = 0.0
    """The worst lag of evd's loop within the last minute or two."""
    clock_behind_s: float = 0.0
    """By how much the server's clock is behind evd's time; 0 if it is trusted."""
    ahead: int = 0
    """Statuses whose time lay more than a day ahead; `newest` are those that became their vehicles' last status."""
    newest: int = 0
    crowded: int = 0
    """Connections that were closed for others, or refused, because there were too many."""
    crowded_by: str = ""
    """The address of most of them."""
    certificate_days: float | None = None
    """Until the certificate that evd serves ends; None: it serves none."""


def readings_of(state: DaemonState, now: int, *, rejected_max: int) -> Readings:
    """`state` is the daemon's at `now` (epoch ms), `rejected_max` how many rows `rejected` keeps."""
    push = state.push or PushState()
    disk, connections, unexplained = state.disk, state.connections, state.unexplained
    ends_s = state.certificate_ends_s
    return Readings(
        now=now,
        pause_kind=_pause_kind(push),
        pause_reason=push.pause_text,
        held=bool(push.held_since),
        quota_pauses=push.outcomes.get(PushOutcome.QUOTA, 0),
        foreign_senders=push.outcomes.get(PushOutcome.FOREIGN_SENDER, 0),
        dropped=push.outcomes.get(PushOutcome.DROPPED, 0),
        displaced=push.displaced,
        stopped=state.stopped,
        rejections=state.ingest.get("rejected", 0),
        oldest_push_s=state.push.oldest_pending_s if state.push else None,
        unexplained=unexplained.statuses,
        unexplained_by=unexplained.vehicle,
        unexplained_fields=shown(unexplained.fields),
        callbacks=state.callbacks,
        disk_free_bytes=disk.free,
        disk_total_bytes=disk.total or 0,
        disk_full=disk.full,
        stalled=state.writer.stalled,
        rejected_max=rejected_max,
        log_bytes=disk.log,
        loop_lag_s=state.loop.worst_s,
        clock_behind_s=state.clock_behind_s,
        ahead=state.ingest.get("ahead", 0) + state.ingest.get("no room", 0),
        newest=state.ingest.get("newest", 0),
        crowded=connections.gave_way + connections.turned_away + connections.let_go,
        crowded_by=connections.crowded_by,
        certificate_days=None if ends_s is None else (ends_s - now / 1000) / DAY_S,
    )


def _pause_kind(push: PushState) -> PauseReason | None:
    """None until a provider takes a push: a fault from before a restart may still be there."""
    return push.pause if push.pause or push.outcomes.get(PushOutcome.SENT) else None
