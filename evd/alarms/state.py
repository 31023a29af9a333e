"""The state of the alarms (`[alerts]`): readings of the daemon go in, raised and cleared alarms come out.

An alarm is a row of RULES (evd.alarms.rules). It is raised at one bound, and cleared at a lower one after a time of
calm, so that a value that oscillates around a bound raises it once. Durations are the times between the steps
(evd.alarms.silence.Passed): no jump of the clock raises, clears or repeats an alarm.
"""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple

import msgspec

from evd.alarms.readings import Readings
from evd.alarms.rules import RULES, AlarmRule, Growth, Judged, Severity, span
from evd.alarms.silence import Passed, Rhythm
from evd.config.alarm_settings import AlarmSettings
from evd.model.units import HOUR_S, MINUTE_S


class Standing(msgspec.Struct):
    """An alarm that stands; kept in a file across restarts."""

    since: int
    """Epoch ms."""
    severity: Severity
    sentence: str
    unrepeated_s: float = msgspec.field(default=0.0, name="untold_s")
    """Since the last notification; the file has an older name."""
    calm_s: float = 0.0
    """For how long its level has been below `clear_below`."""


class AlarmChange(NamedTuple):
    """A notification: an alarm was raised, still stands (`again`), or was cleared. Times are epoch ms."""

    name: str
    state: Literal["raised", "cleared"]
    severity: Severity
    since: int
    """When it was raised."""
    at: int
    """When the change was seen."""
    text: str
    again: bool = False

    @property
    def identity(self) -> str:
        """The same for each attempt to deliver it, so that the receiver can drop duplicates."""
        return f"alarm-{self.name}-{self.state}-{self.at}"


class AlarmMemory(msgspec.Struct):
    """What survives a restart; `standing` by name, oldest first."""

    rhythm: Rhythm = msgspec.field(default_factory=Rhythm)
    standing: dict[str, Standing] = {}
    pending: dict[str, list[AlarmChange]] = {}
    """Way of notification → the changes that it has not delivered yet."""


class Alarms:
    """`memory` is that of the previous process; it is updated in place."""

    def __init__(self, bounds: AlarmSettings, memory: AlarmMemory | None = None) -> None:
        self.memory = memory or AlarmMemory()
        self.standing = self.memory.standing
        for gone in self.standing.keys() - {rule.name for rule in RULES}:
            del self.standing[gone]
        self._bounds = bounds
        self._passed = Passed()
        self._callbacks = 0
        self._hour = _Hour()

    def step(self, readings: Readings) -> list[AlarmChange]:
        """The changes since the last step; an alarm that stands is repeated after `alerts.repeat_after_s`."""
        passed_s = self._passed.look(readings.now)
        rhythm = self.memory.rhythm
        rhythm.step(passed_s, readings.callbacks != self._callbacks, self._bounds.silent_after_s)
        self._callbacks = readings.callbacks
        seen = Judged(readings, self._hour.step(passed_s, readings), rhythm, self._bounds)
        return [change for rule in RULES if (change := self._judge(rule, seen, passed_s))]

    def _judge(self, rule: AlarmRule, seen: Judged, passed_s: float) -> AlarmChange | None:
        level = rule.level(seen)
        one = self.standing.get(rule.name)
        if one is None:
            return self._raise(rule, seen) if level is not None and level >= 1 else None
        if level is not None and level < rule.clear_below:
            one.calm_s += passed_s
            if one.calm_s >= rule.calm_s:
                return self._clear(rule, one, seen.readings.now)
        elif level is not None:
            one.calm_s = 0.0
            one.sentence = rule.sentence(seen)
        one.unrepeated_s += passed_s
        if one.unrepeated_s < self._bounds.repeat_after_s:
            return None
        one.unrepeated_s = 0.0
        return AlarmChange(rule.name, "raised", one.severity, one.since, seen.readings.now, one.sentence, again=True)

    def _raise(self, rule: AlarmRule, seen: Judged) -> AlarmChange:
        one = Standing(seen.readings.now, rule.severity, rule.sentence(seen))
        self.standing[rule.name] = one
        return AlarmChange(rule.name, "raised", one.severity, one.since, one.since, one.sentence)

    def _clear(self, rule: AlarmRule, one: Standing, now: int) -> AlarmChange:
        del self.standing[rule.name]
        text = f"over after {span((now - one.since) / 1000)}: {one.sentence}"
        return AlarmChange(rule.name, "cleared", one.severity, one.since, now, text)


class _Hour:
    """The counters of each minute of the last hour. They begin at 0 with the process."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._totals = deque([(0.0, Growth(*[0] * len(Growth._fields)))], maxlen=HOUR_S // MINUTE_S + 1)

    def step(self, passed_s: float, readings: Readings) -> Growth:
        self._elapsed_s += passed_s
        totals = Growth(*[getattr(readings, name) for name in Growth._fields])
        if self._elapsed_s - self._totals[-1][0] >= MINUTE_S:
            self._totals.append((self._elapsed_s, totals))
        _, before = self._totals[0]
        return Growth(*[now - then for now, then in zip(totals, before, strict=True)])
