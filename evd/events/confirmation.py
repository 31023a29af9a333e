"""What a single reading shows is told when it stands: a later reading says so too, or none came for a while.

A reading that jumps out and back is none: the later one then takes back what waited, and nobody hears of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from evd.events.memory import EventRule, Unconfirmed, VehicleMemory
from evd.events.samples import Event, Sample

if TYPE_CHECKING:
    from evd.events.memory import EventRule, VehicleMemory

WAIT_S = 15.0, 900.0
"""Bounds of the wait: a lone reading on WLAN is told soon, one by Sigfox, ten minutes apart, waits for the next one."""

GAPS = 1.5
"""A second reading is waited for so many times as long as the first one had been."""


class Confirmation(NamedTuple):
    told: list[Event]
    pending: list[Unconfirmed]


def samples_of(before: Sample | None, sample: Sample, fields: Sequence[str]) -> list[dict[str, Any] | None]:
    """The two that were compared: their times, their statuses' ids, and what they say of these fields."""
    return [None if before is None else _shown(before, fields), _shown(sample, fields)]


def _shown(sample: Sample, fields: Sequence[str]) -> dict[str, Any]:
    said = {name: value for name in fields if _is_plain(value := sample.fields.get(name))}
    return {"time": sample.time, "status_id": sample.status_id, **said}


def _is_plain(value: Any) -> bool:
    """What stands in an event's row is short, and JSON: neither an infinity nor an integer of 100 digits."""
    if isinstance(value, str):
        return len(value) <= TEXT_MAX
    return (type(value) is int or type(value) is float) and abs(value) < NUMBER_MAX


TEXT_MAX = 64
NUMBER_MAX = 10**15


def wait_ms(setting_s: float | None, before: Sample | None, sample: Sample) -> int:
    """How long a second reading is waited for, by the vehicle's setting or by the distance of the last two."""
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
    """What the sample confirms, takes back, and shows itself; `memory` is as the rules left it after the sample."""
    told: list[Event] = []
    pending: list[Unconfirmed] = []
    taken_back: set[tuple[str, str]] = set()
    for one in waiting:
        rule = rules[one.kind]
        assert rule.holds is not None
        if not rule.holds(memory, one):
            taken_back.add((one.kind, one.key))
            if rule.forget is not None:
                rule.forget(memory)
        elif sample.time > one.time and _says(sample, one, rule):
            told.append(event_of(one))
        else:
            pending.append(one)
    for event in shown:
        rule = rules[event.kind]
        opposite = rule.opposites.get(event.kind)
        if opposite and (opposite, event.key) in taken_back:
            continue  # out and back
        if rule.holds is None or wait == 0:
            told.append(event)
        else:
            details, samples = dict(event.details), list(event.samples)
            pending.append(Unconfirmed(event.kind, event.time, details, event.key, samples, sample.heard, wait))
    return Confirmation(told, pending)


def _says(sample: Sample, one: Unconfirmed, rule: EventRule) -> bool:
    """Whether it says anything of the matter: of one of several fields, or of the rule's first."""
    return sample.fields.get(one.key if one.key in rule.fields else rule.fields[0]) is not None


def overdue(waiting: Sequence[Unconfirmed], now: int) -> Confirmation:
    """What has waited for long enough at `now`; a clock that was set far back ends the wait, too."""
    over = [one for one in waiting if abs(now - one.noticed) >= one.wait_ms]
    return Confirmation([event_of(one) for one in over], [one for one in waiting if one not in over])


def event_of(one: Unconfirmed) -> Event:
    return Event(one.kind, one.time, one.details, one.key, one.samples)
