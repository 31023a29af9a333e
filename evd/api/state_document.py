"""The daemon's state as JSON, for /readyz and /api/v1/stats."""

from __future__ import annotations

from typing import Any

import msgspec

from evd.model.daemon_state import DaemonState, PauseReason, PushState, StoppedPhonesState

#: What statistics have called a pause since the first version.
_PAUSED_KINDS = {PauseReason.CREDENTIALS: "Pause", PauseReason.QUOTA: "QuotaExceeded"}


def readiness(state: DaemonState) -> dict[str, Any]:
    push = _push(state.push)
    return {
        "ready": state.ready,
        "reason": state.not_ready or "",
        "push": {name: push[name] for name in ("enabled", "held_since", "paused") if name in push},
        "alarms": [msgspec.structs.asdict(alarm) for alarm in state.alarms],
    }


def statistics(state: DaemonState) -> dict[str, Any]:
    return {
        "running": state.running,
        "ready": state.ready,
        "reason": state.not_ready or "",
        "version": state.version,
        "codec": state.codec,
        "ingest": dict(state.ingest),
        "unexplained": msgspec.to_builtins(state.unexplained),
        "writer": msgspec.to_builtins(state.writer),
        "connections": msgspec.to_builtins(state.connections),
        "servers": msgspec.to_builtins(state.servers),
        "push": {**_push(state.push), "stopped": _stopped(state.stopped)},
        "events": msgspec.to_builtins(state.events) if state.events else {},
        "disk": {name: value for name, value in msgspec.structs.asdict(state.disk).items() if value is not None},
        "loop": msgspec.to_builtins(state.loop),
        "clock": {"behind_s": state.clock_behind_s},
        "log": {"lines_dropped": state.log_lines_dropped},
        "certificate_ends_s": state.certificate_ends_s,
        "insecure": list(state.insecure),
        "alarms": [msgspec.structs.asdict(alarm) for alarm in state.alarms],
    }


def _push(push: PushState | None) -> dict[str, Any]:
    if push is None:
        return {"enabled": False}
    return {
        "enabled": True,
        "held": bool(push.held_since),
        "held_since": push.held_since,
        "in_flight": push.in_flight,
        "paused": push.pause_text,
        "paused_kind": _PAUSED_KINDS.get(push.pause, push.pause),
        "oldest_pending_s": push.oldest_pending_s,
        "outcomes": msgspec.to_builtins(push.outcomes),
        "displaced": push.displaced,
        "providers": msgspec.to_builtins(push.providers),
    }


def _stopped(stopped: StoppedPhonesState | None) -> dict[str, int]:
    return {} if stopped is None else msgspec.structs.asdict(stopped)
