"""Confirmation: what a single reading shows becomes an event if a later reading confirms it, or none comes for a while.

After a reading that jumps out and back, the later one withdraws what waited, and there is no event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from evd.events.memory import EventRule, Unconfirmed, VehicleMemory
from evd.events.samples import Event, Sample

WAIT_S = 15.0, 900.0
"""Bounds of the wait: short for WLAN; for Sigfox's readings, ten minutes apart, long enough for the next one."""

GAPS = 1.5
"""The wait for a second reading, in distances of the last two readings."""


class Confirmation(NamedTuple):
    confirmed: list[Event]
    pending: list[Unconfirmed]


def samples_of(before: Sample | None, sample: Sample, fields: Sequence[str]) -> list[dict[str, Any] | None]:
    """The two samples that were compared: their times, status ids, and values of these fields."""
    return [None if before is None else _shown(before, fields), _shown(sample, fields)]


def _shown(sample: Sample, fields: Sequence[str]) -> dict[str, Any]:
    said = {name: value for name in fields if _is_plain(value := sample.fields.get(name))}
    return {"time": sample.time, "status_id": sample.status_id, **said}


def _is_plain(value: Any) -> bool:
    """An event's row holds short values that are valid JSON: neither an infinity nor an integer of 100 digits."""
    if isinstance(value, str):
        return len(value) <= TEXT_MAX
    return (type(value) is int or type(value) is float) and abs(value) < NUMBER_MAX


TEXT_MAX = 64
NUMBER_MAX = 10**15


def wait_ms(setting_s: float | None, before: Sample | None, sample: Sample) -> int:
    """How long to wait for a second reading: by the vehicle's setting, or by the distance of the last two."""
    if setting_s is not None:
        return int(setting_s * 1000)
    gap_s = (sample.heard - before.heard) / 1000 if before else 0.0
    return int(min(max(GAPS * gap_s, WAIT_S[0]), WAIT_S[1]) * 1000)


def judge(
    rules: Mapping[str, EventRule],
    memory: VehicleMemory,
    waiting: Sequence[Unconfirmed],
    shown: Sequence[Event],
    sample: Sample,
    *,
    wait: int,
) -> Confirmation:
    """What the sample confirms, withdraws, and shows itself; `memory` is as the rules left it after the sample."""
    confirmed: list[Event] = []
    pending: list[Unconfirmed] = []
    withdrawn: set[tuple[str, str]] = set()
    for one in waiting:
        rule = rules[one.kind]
        assert rule.holds is not None
        if not rule.holds(memory, one):
            withdrawn.add((one.kind, one.key))
            if rule.forget is not None:
                rule.forget(memory)
        elif sample.time > one.time and _says(sample, one, rule):
            confirmed.append(event_of(one))
        else:
            pending.append(one)
    for event in shown:
        rule = rules[event.kind]
        opposite = rule.opposites.get(event.kind)
        if opposite and (opposite, event.key) in withdrawn:
            continue  # out and back
        if rule.holds is None or wait == 0:
            confirmed.append(event)
        else:
            details, samples = dict(event.details), list(event.samples)
            pending.append(Unconfirmed(event.kind, event.time, details, event.key, samples, sample.heard, wait))
    return Confirmation(confirmed, pending)


def _says(sample: Sample, one: Unconfirmed, rule: EventRule) -> bool:
    """Whether the sample has a value of the field that matters: of the one watched, or of the rule's first."""
    return sample.fields.get(one.key if one.key in rule.fields else rule.fields[0]) is not None


def overdue(waiting: Sequence[Unconfirmed], now: int) -> Confirmation:
    """What has waited long enough at `now`; a clock that was set far back ends the wait, too."""
    over = [one for one in waiting if abs(now - one.noticed) >= one.wait_ms]
    return Confirmation([event_of(one) for one in over], [one for one in waiting if one not in over])


def event_of(one: Unconfirmed) -> Event:
    return Event(one.kind, one.time, one.details, one.key, one.samples)
