"""From the daemon's state to the readings that alarms are judged by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evd.alarms.phones import STOPPED
from evd.alarms.rules import PauseKind, Readings
from evd.sigfox.findings import shown

DAY_S = 86_400


def readings(state: Mapping[str, Any], now: int, *, rejected_max: int) -> Readings:
    """`state` is `Daemon.state()` at `now` (epoch ms), `rejected_max` how many rows `rejected` keeps."""
    push, disk = state["push"], state.get("disk", {})
    outcomes: Mapping[str, int] = push.get("outcomes", {})
    stopped: Mapping[str, int] = push.get("stopped", {})
    ends_s = state.get("certificate_ends_s")
    unexplained = state.get("unexplained", {})
    connections = state.get("connections", {})
    return Readings(
        now=now,
        pause_kind=_pause_kind(push, outcomes),
        pause_reason=push.get("paused") or "",
        held=bool(push.get("held")),
        quota_pauses=outcomes.get("quota", 0),
        foreign_senders=outcomes.get("foreign sender", 0),
        dropped=outcomes.get("registration dropped", 0),
        registered=stopped.get("registered"),
        displaced=push.get("displaced", 0),
        stopped={name: stopped[name] for name, _ in STOPPED} if stopped else None,
        rejections=state["ingest"].get("rejected", 0),
        oldest_push_s=push.get("oldest_pending_s"),
        unexplained=unexplained.get("statuses", 0),
        unexplained_by=unexplained.get("vehicle", ""),
        unexplained_fields=shown(unexplained.get("fields", ())),
        callbacks=sum(state["ingest"].values()),
        disk_free_bytes=disk.get("free"),
        disk_total_bytes=disk.get("total", 0),
        disk_full=bool(disk.get("full")),
        stalled=state.get("writer", {}).get("stalled", ""),
        rejected_max=rejected_max,
        log_bytes=disk.get("log"),
        loop_lag_s=state.get("loop", {}).get("worst_s", 0.0),
        clock_behind_s=state.get("clock", {}).get("behind_s", 0.0),
        ahead=state["ingest"].get("ahead", 0) + state["ingest"].get("no room", 0),
        newest=state["ingest"].get("newest", 0),
        crowded=sum(connections.get(name, 0) for name in ("gave_way", "turned_away", "let_go")),
        crowded_by=connections.get("crowded_by", ""),
        certificate_days=None if ends_s is None else (ends_s - now / 1000) / DAY_S,
    )


#: The kind of PushError that a dispatcher is in trouble with → what that means to the operator.
PAUSE_KINDS: Mapping[str, PauseKind] = {"Pause": "credentials", "QuotaExceeded": "quota"}


def _pause_kind(push: Mapping[str, Any], outcomes: Mapping[str, int]) -> PauseKind | None:
    """Before a provider took the first push nothing is known: what was wrong before a restart may be so still."""
    if push.get("paused"):
        return PAUSE_KINDS.get(push.get("paused_kind", ""), "other")
    return "" if outcomes.get("sent") else None
