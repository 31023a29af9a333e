"""The part of a status that is derived from: its numbers, its place, and its position among the vehicle's statuses."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import msgspec

from evd.model.measures import MEASURES, AppType

NUMBERS = tuple(
    name for name, measure in MEASURES.items() if measure.app in (AppType.INT, AppType.FLOAT, AppType.STATE)
)
"""The measures that have a number, in the order of MEASURES."""

FULL_RANGE = "full_range"
"""km that a full battery would give: `range` over `current_charge`, a sign of the battery's health."""

FULL_RANGE_FROM = 20.0
"""% of charge below which the two, which are whole numbers in most messages, say too little about a full battery."""

ROLLED_UP = (*NUMBERS, FULL_RANGE)
"""What a roll-up has a Spread of."""

LARGEST = 1e9
"""A number beyond it is no value of a vehicle, and its millionths would not fit into 64 bits."""

CHARGING, DRIVING = 1, 3
"""Values of `state`."""

Rank = tuple[int, int, str]
"""Time (epoch ms), seqNumber (-1: none) and id: the order of statuses, which no order of arrival changes."""

_Numbers = msgspec.defstruct("_Numbers", [*((name, Any, None) for name in (*NUMBERS, "location"))], gc=False)
_decode = msgspec.json.Decoder(_Numbers).decode


class StatusSample(NamedTuple):
    """A status as it is derived from; None is no value."""

    time: int
    seq: int
    status_id: str
    numbers: tuple[float | None, ...]
    """In the order of NUMBERS."""
    location: str | None = None

    @property
    def rank(self) -> Rank:
        return self.time, self.seq, self.status_id

    @property
    def state(self) -> float | None:
        return self.numbers[STATE]

    @property
    def charge(self) -> float | None:
        return self.numbers[CHARGE]

    @property
    def range(self) -> float | None:
        return self.numbers[RANGE]

    @property
    def current(self) -> float | None:
        return self.numbers[CURRENT]

    @property
    def kind(self) -> int:
        """CHARGING, DRIVING, or 0."""
        state = self.numbers[STATE]
        return int(state) if state in _ACTIVE else 0


STATE, CHARGE, RANGE, CURRENT = (NUMBERS.index(name) for name in ("state", "current_charge", "range", "current"))
_ACTIVE = (CHARGING, DRIVING)


def read_sample(time: int, seq: int, status_id: str, fields: bytes | str) -> StatusSample:
    """The sample of a status; `fields` are its JSON object."""
    found = _decode(fields)
    *numbers, location = msgspec.structs.astuple(found)
    return StatusSample(
        time,
        seq,
        status_id,
        tuple(map(_number, numbers)),
        location if type(location) is str and location else None,
    )


def full_range(numbers: tuple[float | None, ...]) -> float | None:
    """See FULL_RANGE."""
    charge, km = numbers[CHARGE], numbers[RANGE]
    if charge is None or km is None or not FULL_RANGE_FROM <= charge <= 100 or km <= 0:
        return None
    return km * 100.0 / charge


def _number(value: Any) -> float | None:
    if type(value) not in (int, float) or not -LARGEST <= value <= LARGEST:
        return None
    return float(value)


def millionths(value: float) -> int:
    """A number as a whole one, so that sums are the same in any order."""
    return math.floor(value * 1e6 + 0.5)
