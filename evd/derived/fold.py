"""All that is derived of one vehicle, status by status in their order: what is open, and what each status completes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from evd.derived.activities import Ended, VehicleActivity, step
from evd.derived.calendar import UTC_NAME, part_at
from evd.derived.open_part import OpenPart
from evd.derived.rollups import Rollup, between, read_rollup
from evd.derived.samples import StatusSample, read_sample


class Completed(NamedTuple):
    """What a status completes: the part before its own, and activities."""

    part: Rollup | None
    ended: list[Ended]


class EndedPart(NamedTuple):
    """A part that is over: its roll-up as `evd.derived.rollups.written`."""

    start: int
    day: int
    text: bytes


class Fold:
    """`part` is the part of the last status, None before the first one; `open` the activity that goes on."""

    __slots__ = ("changed", "floor", "open", "part", "zone", "zone_as_of")

    def __init__(
        self,
        zone: str = UTC_NAME,
        *,
        part: OpenPart | None = None,
        open_: VehicleActivity | None = None,
        floor: tuple[int, int] | None = None,
    ) -> None:
        self.zone = zone
        self.zone_as_of = -1
        """Whoever looks the zone up notes here as of when."""
        self.floor = floor
        """Time and seqNumber up to which statuses do not count any more."""
        self.part = part
        self.open = open_
        self.changed = True
        """Whether `open` or `floor` changed since it was stored; who changes them from outside sets it."""

    @property
    def last(self) -> StatusSample | None:
        return None if self.part is None else self.part.last

    @property
    def rollup(self) -> Rollup | None:
        """A copy of `part` as it is so far."""
        return None if self.part is None else self.part.rollup()

    def is_below(self, time: int, seq: int, status_id: str) -> bool:
        """Whether this status is the next one in order."""
        return self.part is None or self.part.is_below(time, seq, status_id)

    def take_quiet(self, time: int, seq: int, status_id: str, fields: bytes) -> bool:
        """Take the next status in order if it completes nothing and opens nothing; False: it was not taken."""
        if self.open is not None or self.part is None:
            return False
        return self.part.take_quiet(time, seq, status_id, fields)

    def turn(self, time: int) -> EndedPart | None:
        """End the part if the next status in order, of this time, is not of it; None: it is, or is the first one."""
        part = self.part
        if part is None or time < part.until:
            return None
        ended = EndedPart(part.start, part.day, part.written())
        part.begin(*part_at(time, self.zone))
        return ended

    def take(self, sample: StatusSample) -> Completed:
        """The next status in order."""
        over = self.turn(sample.time)
        part, last = self.part, self.last
        if part is None:
            span = part_at(sample.time, self.zone)
            part = self.part = OpenPart(Rollup(span.start, span.day), span.until, sample)
        part.add(sample)
        part.add_between(between(last, sample))
        before = self.open
        self.open, ended = step(before, last, sample)
        part.last = sample
        self.changed = self.changed or before is not None or self.open is not None
        return Completed(None if over is None else read_rollup(*over), ended)


class Derived(NamedTuple):
    """Of statuses in order: their parts, the activities that ended, and the one that is open."""

    parts: list[Rollup]
    ended: list[Ended]
    open: VehicleActivity | None


def derive(samples: Iterable[StatusSample], zone: str = UTC_NAME) -> Derived:
    """Of all statuses of a vehicle, in any order and with repeats."""
    fold = Fold(zone)
    parts: list[Rollup] = []
    ended: list[Ended] = []
    for sample in once_in_order(samples):
        completed = fold.take(sample)
        parts += [completed.part] if completed.part else []
        ended += completed.ended
    return Derived([*parts, *([fold.rollup] if fold.rollup else [])], ended, fold.open)


def once_in_order(samples: Iterable[StatusSample]) -> Iterator[StatusSample]:
    found = {sample.status_id: sample for sample in samples}
    return iter(sorted(found.values(), key=lambda sample: sample.rank))


def merged(parts: Iterable[Rollup], start: int, day: int) -> Rollup:
    """Of an hour or a day: its parts as one."""
    whole = Rollup(start, day)
    for part in parts:
        whole.merge(part)
    return whole


class SavedState(msgspec.Struct, omit_defaults=True):
    """What of a fold is not in its part; it changes seldom."""

    open: VehicleActivity | None = None
    floor: tuple[int, int] | None = None


def saved_state(fold: Fold) -> bytes:
    """JSON."""
    return _encode(SavedState(fold.open, fold.floor))


def read_fold(zone: str, state: str, time: int, seq: int, status_id: str, fields: str, *part: Any) -> Fold:
    """The fold of which these are `saved_state` and `OpenPart.saved`; `zone` is the vehicle's now."""
    rest = _state(state)
    last = read_sample(time, seq, status_id, fields)
    fold = Fold(
        zone,
        part=OpenPart(read_rollup(*part), part_at(time, zone).until, last),
        open_=rest.open,
        floor=rest.floor,
    )
    fold.changed = False
    return fold


_encode = msgspec.json.Encoder().encode
_state = msgspec.json.Decoder(SavedState).decode
encode_activity = msgspec.json.Encoder().encode
decode_activity = msgspec.json.Decoder(VehicleActivity).decode
