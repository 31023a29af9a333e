"""Charge sessions and trips: what goes on over several statuses, and what ends it.

`step` takes a vehicle's statuses in their order. What is open after a status, and the status itself, are all that the
next step needs; so what a late status changes is found again from the status before it.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from evd.derived.rollups import current_over_time
from evd.derived.samples import CHARGING, DRIVING, StatusSample
from evd.model.geo import distance_m, position_of
from evd.model.units import DAY_MS, HOUR_MS, MINUTE_MS


class Tolerance(NamedTuple):
    """How a kind of activity bears gaps."""

    gap_ms: int
    """Two statuses that show it belong together if they are no further apart: messages between them may be lost."""
    pause_ms: int
    """It goes on behind statuses that do not show it if they are no longer: chargers pause, drivers stop."""


KINDS = {CHARGING: Tolerance(DAY_MS, 30 * MINUTE_MS), DRIVING: Tolerance(3 * HOUR_MS, 15 * MINUTE_MS)}

SLACK = 2.0
"""% by which the charge may go the wrong way within an activity: readings are whole and slip."""

UNSEEN_CHARGE = 5.0
"""% by which the charge must have risen between two statuses for a charge session that no status shows."""

UNSEEN_WAY_M = 5_000.0
"""Metres between two places for a trip that no status shows: further than the network's own places slip."""


class VehicleActivity(msgspec.Struct, omit_defaults=True, gc=False):
    """A charge session or a trip, open or ended. Times are epoch ms, charges %, ranges km; None is unknown."""

    kind: int
    """CHARGING or DRIVING."""
    start: int
    end: int
    """The last status that shows it; of an ended one, when it ended as far as statuses say."""
    start_charge: float | None = None
    end_charge: float | None = None
    start_range: float | None = None
    end_range: float | None = None
    start_place: str | None = None
    end_place: str | None = None
    peak: float | None = None
    """A; the greatest of its statuses."""
    current: int = 0
    """As `evd.derived.rollups.Between.current`."""
    way: int = 0
    """Metres between the places on the way, in straight lines."""
    messages: int = 0
    """Statuses that show it."""
    inferred: bool = False
    """No status shows it, or its beginning: it lies somewhere between `start` and `end`."""
    paused: bool = False
    """Statuses since `end` do not show it: it has ended unless one shows it soon."""


class Ended(NamedTuple):
    """An activity that ended, and the status that showed this."""

    activity: VehicleActivity
    by: StatusSample


def step(
    open_: VehicleActivity | None, last: StatusSample | None, sample: StatusSample
) -> tuple[VehicleActivity | None, list[Ended]]:
    """What is open after `sample`, and what it ended; `last` is the status before it, `open_` what was open then."""
    ended: list[Ended] = []
    if open_ is not None and last is not None:
        if _goes_on(open_, sample):
            return _grown(open_, last, sample), ended
        ended.append(Ended(_closed(open_, last, sample), sample))
    unseen = _unseen(last, sample, ended)
    if unseen is not None:
        ended.append(Ended(unseen, sample))
    return (_begun(last, sample) if sample.kind else None), ended


def _goes_on(open_: VehicleActivity, sample: StatusSample) -> bool:
    kind = KINDS[open_.kind]
    since = sample.time - open_.end
    if _contradicts(open_, sample):
        return False
    return since <= (kind.gap_ms if sample.kind == open_.kind else -1 if sample.kind else kind.pause_ms)


def _contradicts(open_: VehicleActivity, sample: StatusSample) -> bool:
    """Whether the charge went the wrong way."""
    if sample.charge is None or open_.end_charge is None:
        return False
    rise = sample.charge - open_.end_charge
    return rise < -SLACK if open_.kind == CHARGING else rise > SLACK


def _grown(open_: VehicleActivity, last: StatusSample, sample: StatusSample) -> VehicleActivity:
    shows = sample.kind == open_.kind
    if not shows and (open_.paused or (open_.kind == CHARGING and not _rose(open_, sample))):
        return msgspec.structs.replace(open_, paused=True)
    return msgspec.structs.replace(
        open_,
        end=sample.time,
        end_charge=_or(sample.charge, open_.end_charge),
        end_range=_or(sample.range, open_.end_range),
        start_place=open_.start_place or sample.location,
        end_place=sample.location or open_.end_place,
        peak=_greatest(open_.peak, sample) if shows else open_.peak,
        current=open_.current + (current_over_time(last, sample) if shows and last.kind == open_.kind else 0),
        way=open_.way + (_distance(open_.end_place, sample.location) if open_.kind == DRIVING else 0),
        messages=open_.messages + shows,
        paused=not shows,
    )


def _closed(open_: VehicleActivity, last: StatusSample, sample: StatusSample) -> VehicleActivity:
    """Ended by a status that may still say how far it came."""
    in_reach = sample.time - open_.end <= KINDS[open_.kind].gap_ms and not open_.paused
    if not in_reach or _contradicts(open_, sample):
        return msgspec.structs.replace(open_, paused=False)
    if open_.kind == CHARGING:
        if not _rose(open_, sample):
            return msgspec.structs.replace(open_, paused=False)
        return msgspec.structs.replace(open_, end=sample.time, end_charge=sample.charge, end_range=sample.range)
    return msgspec.structs.replace(
        open_,
        end=sample.time,
        end_charge=_or(sample.charge, open_.end_charge),
        end_range=_or(sample.range, open_.end_range),
        end_place=sample.location or open_.end_place,
        way=open_.way + _distance(open_.end_place, sample.location),
    )


def _begun(last: StatusSample | None, sample: StatusSample) -> VehicleActivity:
    """Opened by a status that shows it; what the one before says of its beginning counts if it is near."""
    kind = sample.kind
    begun = VehicleActivity(
        kind,
        *(sample.time, sample.time),
        *(sample.charge, sample.charge, sample.range, sample.range),
        *(sample.location, sample.location),
        peak=_greatest(None, sample),
        messages=1,
    )
    if last is None or sample.time - last.time > KINDS[kind].gap_ms or last.kind == kind:
        return begun
    change = _change(last, sample)
    if kind == CHARGING:
        begun.start_place = begun.end_place = sample.location or last.location
        if change > 0:
            begun.start_charge, begun.start_range = last.charge, last.range
        if change >= UNSEEN_CHARGE:
            begun.start, begun.inferred = last.time, True
    elif change <= SLACK:
        begun.start_charge = _or(last.charge, begun.start_charge)
        begun.start_range = _or(last.range, begun.start_range)
        begun.start_place = last.location or begun.start_place
        begun.end_place = sample.location or last.location
        begun.way = _distance(last.location, sample.location)
    return begun


def _unseen(last: StatusSample | None, sample: StatusSample, ended: list[Ended]) -> VehicleActivity | None:
    """A charge session or a trip between two statuses that neither shows."""
    if last is None or sample.kind or (ended and ended[0].activity.end == sample.time):
        return None
    change = _change(last, sample)
    ends = (last.charge, sample.charge, last.range, sample.range)
    if change >= UNSEEN_CHARGE and last.kind != CHARGING:
        place = sample.location or last.location
        return VehicleActivity(CHARGING, last.time, sample.time, *ends, place, place, inferred=True)
    way = _distance(last.location, sample.location)
    if way >= UNSEEN_WAY_M and not last.kind and (change < 0 or _fell(last.range, sample.range)):
        places = (last.location, sample.location)
        return VehicleActivity(DRIVING, last.time, sample.time, *ends, *places, way=way, inferred=True)
    return None


def _rose(open_: VehicleActivity, sample: StatusSample) -> bool:
    return sample.charge is not None and open_.end_charge is not None and sample.charge > open_.end_charge


def _change(one: StatusSample, other: StatusSample) -> float:
    """% by which the charge rose; 0 if it is unknown."""
    return 0.0 if one.charge is None or other.charge is None else other.charge - one.charge


def _fell(before: float | None, after: float | None) -> bool:
    return before is not None and after is not None and after < before


def _greatest(peak: float | None, sample: StatusSample) -> float | None:
    if sample.current is None:
        return peak
    return abs(sample.current) if peak is None else max(peak, abs(sample.current))


def _or(value: float | None, other: float | None) -> float | None:
    return other if value is None else value


def _distance(one: str | None, other: str | None) -> int:
    """Metres between two places, 0 if one is unknown."""
    if one == other:
        return 0
    here, there = position_of(one), position_of(other)
    return 0 if here is None or there is None else round(distance_m(here, there))
