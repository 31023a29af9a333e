"""From the daemon's state to the readings that the alarm rules use."""

from __future__ import annotations

from evd.alarms.rules import Readings
from evd.model.daemon_state import DaemonState, PauseReason, PushOutcome, PushState
from evd.model.units import DAY_S
from evd.sigfox.decode_findings import shown


def readings(state: DaemonState, now: int, *, rejected_max: int) -> Readings:
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
        callbacks=sum(state.ingest.values()),
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
