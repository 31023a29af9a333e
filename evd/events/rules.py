"""The event rules: samples go in, events come out, one for each occurrence (alarms for the operator: evd.alarms).

A rule decides by the sample and by the memory, not by the previous sample, which only fills in values that the sample
lacks. So lost samples matter little, a repeated sample changes nothing, and the memory changes only if something
happened: it need not be written with each status. Margins prevent repeated events of a value that oscillates around a
bound. A vehicle's first status is the starting point, and makes no event. What one reading shows waits until another
one confirms it (evd.events.confirmation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from evd.events import confirmation
from evd.events.memory import EventRule, VehicleMemory, sides
from evd.events.samples import Event, Reading, Sample
from evd.model.event_settings import (
    ARRIVED,
    CHARGE_LOW,
    CHARGING_STOPPED,
    DEFAULTS,
    HEARD_AGAIN,
    LEFT,
    SILENT,
    TARGET_REACHED,
    TEMPERATURE,
    VehicleEventSettings,
)
from evd.model.geo import distance_m, position_of
from evd.model.units import HOUR_MS

CHARGING, DRIVING = 1, 3
_STATES = frozenset({0, CHARGING, 2, DRIVING})

SILENT_AT_LEAST_MS = HOUR_MS
USUAL_GAPS = 3
"""A silence is longer than usual from so many times the usual gap on."""
GAPS_MIN = 4
"""The gaps that are needed to know the usual one: five statuses."""
LEARNED = 1.5, 3.0
"""After a silence ended, silences up to 1.5 times its length count as usual; but one outage teaches no more than three
times the limit."""

EMPTY_FROM = 10
"""%: a charge of exactly 0 right after a higher one means that the vehicle does not know its charge."""


def step(
    settings: VehicleEventSettings, memory: VehicleMemory, sample: Sample, before: Sample | None = None
) -> tuple[VehicleMemory, list[Event]]:
    """The new memory, and the events of the sample. A sample older than the last one changes nothing.

    `before` is the previous sample, if it is known.
    """
    if sample.time < memory.time:
        return memory, []
    after = msgspec.structs.replace(memory)
    after.time = sample.time
    seen = _seen(sample, before)
    shown: list[Event] = []
    for rule in RULES:
        if (happened := rule.judge(settings, after, seen)) and memory.time:
            samples = confirmation.samples_of(before, sample, rule.fields)
            shown += [one._replace(samples=samples) for one in happened if one.kind not in settings.off]
    if not shown and not memory.pending:
        return after, []
    wait = confirmation.wait_ms(settings.confirm_after_s, before, sample)
    confirmed, after.pending = confirmation.judge(RULE_OF, after, memory.pending, shown, sample, wait=wait)
    return after, confirmed


def settle(memory: VehicleMemory, now: int) -> tuple[VehicleMemory, list[Event]]:
    """The events whose wait for a second reading has ended at `now` (epoch ms)."""
    if not memory.pending:
        return memory, []
    confirmed, pending = confirmation.overdue(memory.pending, now)
    return (msgspec.structs.replace(memory, pending=pending), confirmed) if confirmed else (memory, [])


def settles_at(memory: VehicleMemory) -> int | None:
    """When the next wait for a second reading ends, epoch ms; None: nothing waits."""
    return min((one.noticed + one.wait_ms for one in memory.pending), default=None)


def overdue(
    settings: VehicleEventSettings, memory: VehicleMemory, *, received: int, since: int, usual_ms: int | None, now: int
) -> tuple[VehicleMemory, list[Event]]:
    """The event SILENT of a vehicle whose last status was received at `received`, if that is longer ago than usual.

    `since`: evd has listened without a break from then on. `usual_ms` is the result of `usual_gap_ms`; all times are
    epoch ms.
    """
    if memory.silent_since is not None or not memory.time or SILENT in settings.off:
        return memory, []
    limit = silence_limit_ms(settings, memory, usual_ms)
    if limit is None or now - max(received, since) <= limit:
        return memory, []
    # What will be learned when the silence ends is stored now, because the usual gap may be another one by then.
    learned = max(memory.learned_ms, int(LEARNED[1] * limit))
    after = msgspec.structs.replace(memory, silent_since=received, learned_ms=learned)
    return after, [Event(SILENT, now, {"hours": _hours(now - received)})]


def silence_limit_ms(settings: VehicleEventSettings, memory: VehicleMemory, usual_ms: int | None) -> int | None:
    """The length from which on a silence is an event; None: unknown."""
    if settings.silent_after_h is not None:
        return int(settings.silent_after_h * HOUR_MS)
    if usual_ms is None:
        return None
    return max(SILENT_AT_LEAST_MS, USUAL_GAPS * usual_ms, memory.learned_ms)


def usual_gap_ms(times: Sequence[int]) -> int | None:
    """A gap that is seldom exceeded, by the times of the newest statuses (epoch ms, in any order).

    It is the second longest of up to 20, so that a single outage does not count as usual.
    """
    ordered = sorted(times)
    gaps = sorted(later - earlier for earlier, later in pairwise(ordered))
    return gaps[-2] if len(gaps) >= GAPS_MIN else None


def _hours(ms: int) -> float:
    return round(ms / HOUR_MS, 1)


def _number(fields: Mapping[str, Any], name: str, low: float, high: float) -> float | None:
    """A field's value if it is a number within these bounds, else None."""
    value = fields.get(name)
    if (type(value) is int or type(value) is float) and low <= value <= high:
        return value
    return None


def _seen(sample: Sample, before: Sample | None) -> Reading:
    """The values that several rules need, read once."""
    fields = sample.fields
    state = _number(fields, "state", 0, DRIVING)
    charge, was = _charge(sample), _charge(before)
    return Reading(
        sample.time,
        sample.heard,
        int(state) if state in _STATES else None,
        None if charge == 0 and was is not None and was > EMPTY_FROM else charge,
        _target(sample),
        fields,
        was,
        _target(before),
    )


def _charge(sample: Sample | None) -> float | None:
    return None if sample is None else _number(sample.fields, "current_charge", 0, 100)


def _target(sample: Sample | None) -> float | None:
    return None if sample is None else _number(sample.fields, "target_charge", 0, 100) or None  # 0 % means no target


def _target_reached(settings: VehicleEventSettings, memory: VehicleMemory, seen: Reading) -> Sequence[Event]:
    charge, target = seen.charge, seen.target
    if charge is None or target is None:
        return ()
    known, reported = memory.target is not None, memory.target or 0.0
    if charge <= max(target - settings.charge_margin, 0):
        reported = 0.0
    reached = charge >= target > reported
    lowered = memory.aim is not None and target < memory.aim
    if charge < target:
        memory.aim = target
    memory.target = target if reached else reported
    if not (reached and known) or lowered:
        return ()
    how = "passed" if charge > target else "reached"
    return (Event(TARGET_REACHED, seen.time, {"charge": charge, "target": target, "how": how}),)


def _charging_stopped(settings: VehicleEventSettings, memory: VehicleMemory, seen: Reading) -> Sequence[Event]:
    state, charge, target = seen.state, seen.charge, seen.target
    if charge is not None and memory.stopped is not None and abs(charge - memory.stopped) >= settings.charge_margin:
        memory.stopped = None
    if state is None:
        return ()
    was, memory.charging = memory.charging, state == CHARGING
    if charge is None:  # a vehicle that ends a charge may send no charge, or 0 %
        charge, target = seen.charge_before, target or seen.target_before
    if not was or state in (CHARGING, DRIVING) or charge is None or target is None:
        return ()  # a driver who leaves has unplugged the vehicle
    if charge >= target - settings.charge_margin or memory.target or memory.stopped is not None:
        return ()
    memory.stopped = charge
    return (Event(CHARGING_STOPPED, seen.time, {"charge": charge, "target": target}),)


def _charge_low(settings: VehicleEventSettings, memory: VehicleMemory, seen: Reading) -> Sequence[Event]:
    """To be called after `_charging_stopped`, which sets `memory.charging`."""
    charge = seen.charge
    if charge is None:
        return ()
    known, reported = memory.low is not None, memory.low
    if reported and (
        charge >= min(settings.low_charge + settings.charge_margin, 100)
        or (memory.charging and charge >= reported + settings.charge_margin)
    ):
        reported = 0.0
    low = not reported and charge < settings.low_charge and not memory.charging
    memory.low = max(charge, 0.1) if low else reported or 0.0
    if not (low and known):
        return ()
    details = {"charge": charge, "limit": settings.low_charge}
    if (left := _number(seen.fields, "range", 0, 10_000)) is not None:
        details["range"] = left
    return (Event(CHARGE_LOW, seen.time, details),)


#: Field → its bounds in the settings.
_TEMPERATURES: dict[str, Callable[[VehicleEventSettings], tuple[float | None, float | None]]] = {
    "indoor_temperature": lambda settings: (settings.temperature_min, settings.temperature_max),
    "outdoor_temperature": lambda settings: (settings.outdoor_min, settings.outdoor_max),
}


def _temperature(settings: VehicleEventSettings, memory: VehicleMemory, seen: Reading) -> Sequence[Event]:
    events = []
    for name, bounds in _TEMPERATURES.items():
        value = _number(seen.fields, name, -100, 150)
        if value is None:
            continue
        was = memory.outside.get(name)
        if was == "" and settings is DEFAULTS:
            continue  # the defaults have no bounds
        side, limit = _side(value, *bounds(settings), was or "", settings.temperature_margin)
        if side != was:
            memory.outside = sides.one({**memory.outside, name: side})
            if side and was is not None:
                details = {"which": name, "side": side, "value": round(value, 1), "limit": limit}
                events.append(Event(TEMPERATURE, seen.time, details, name))
    return events


def _side(value: float, low: float | None, high: float | None, was: str, margin: float) -> tuple[str, float | None]:
    """On which side of its range a value lies, and the bound there; the way back is longer by the margin."""
    if high is not None and value > high:
        return "above", high
    if low is not None and value < low:
        return "below", low
    if high is not None and was == "above" and value > high - margin:
        return "above", high
    if low is not None and was == "below" and value < low + margin:
        return "below", low
    return "", None


def _places(settings: VehicleEventSettings, memory: VehicleMemory, seen: Reading) -> Sequence[Event]:
    if not settings.places and not memory.places:
        return ()
    here = position_of(seen.fields.get("location"))
    if here is None:
        return ()
    events, places = [], {}
    for place in settings.places:
        key = f"{place.name} {place.lat:g} {place.lng:g} {place.radius_m:g}"  # a moved place is another one
        was = memory.places.get(key)
        reach = place.radius_m + (settings.place_margin_m if was else 0)
        places[key] = inside = distance_m(here, (place.lat, place.lng)) <= reach
        if was is not None and inside != was:
            events.append(Event(ARRIVED if inside else LEFT, seen.time, {"place": place.name}, key))
    if places != memory.places:
        memory.places = places
    return events


def _heard_again(settings: VehicleEventSettings, memory: VehicleMemory, seen: Reading) -> Sequence[Event]:
    since = memory.silent_since
    if since is None:
        return ()
    silent_ms = max(seen.received - since, 0)
    memory.silent_since = None
    memory.learned_ms = min(memory.learned_ms, int(LEARNED[0] * silent_ms))
    return (Event(HEARD_AGAIN, seen.time, {"hours": _hours(silent_ms)}),)


def _nothing_stopped(memory: VehicleMemory) -> None:
    memory.stopped = None


_CHARGE = ("current_charge", "target_charge", "state")

#: In the order of evaluation; a new kind is a new row. SILENT has no row: the clock shows it, see `overdue`.
RULES: tuple[EventRule, ...] = (
    EventRule((HEARD_AGAIN,), _heard_again),
    EventRule((TARGET_REACHED,), _target_reached, _CHARGE, lambda memory, one: bool(memory.target)),
    EventRule(
        (CHARGING_STOPPED,),
        _charging_stopped,
        ("state", "current_charge", "target_charge"),
        lambda memory, one: not memory.charging,
        _nothing_stopped,
    ),
    EventRule((CHARGE_LOW,), _charge_low, _CHARGE, lambda memory, one: bool(memory.low)),
    EventRule(
        (TEMPERATURE,),
        _temperature,
        tuple(_TEMPERATURES),
        lambda memory, one: memory.outside.get(one.key) == one.details["side"],
    ),
    EventRule(
        (ARRIVED, LEFT),
        _places,
        ("location",),
        lambda memory, one: memory.places.get(one.key) is (one.kind == ARRIVED),
        opposites={ARRIVED: LEFT, LEFT: ARRIVED},
    ),
)
RULE_OF: Mapping[str, EventRule] = {kind: rule for rule in RULES for kind in rule.kinds}
