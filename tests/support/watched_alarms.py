"""Alarms, and the time, which passes in steps as the daemon's would."""

from __future__ import annotations

from typing import Any

from evd.alarms.readings import Readings
from evd.alarms.rules import MIB
from evd.alarms.state import AlarmChange, AlarmMemory, Alarms
from evd.config.alarm_settings import AlarmSettings
from evd.model.daemon_state import (
    PauseReason,
    StoppedPhonesState,
)

TAKES_PUSHES = PauseReason.NONE
NONE_STOPPED = StoppedPhonesState()
NOW = 1_700_000_000_000
GIB = 1024 * MIB
BOUNDS = AlarmSettings()
FINE: dict[str, Any] = {
    "pause_kind": TAKES_PUSHES,
    "oldest_push_s": 0.0,
    "stopped": NONE_STOPPED,
    "disk_free_bytes": 50 * GIB,
    "disk_total_bytes": 100 * GIB,
    "log_bytes": 8 * MIB,
    "certificate_days": 60.0,
}


class Watched:
    """Alarms, and the time, which passes in steps as the daemon's would."""

    def __init__(self, memory: AlarmMemory | None = None, bounds: AlarmSettings = BOUNDS, **first: Any) -> None:
        self.alarms = Alarms(bounds, memory)
        self.now = NOW
        self.changes: list[AlarmChange] = self.step(0, **first)

    def step(self, seconds: float, **changes: Any) -> list[AlarmChange]:
        self.now += int(seconds * 1000)
        return self.alarms.step(Readings(now=self.now, **FINE | changes))

    def stay(self, seconds: float, every_s: float = 30, **changes: Any) -> list[AlarmChange]:
        """`seconds` with the same readings."""
        return [one for _ in range(int(seconds / every_s)) for one in self.step(every_s, **changes)]

    @property
    def names(self) -> set[str]:
        return set(self.alarms.standing)
