"""All that is derived of one vehicle, status by status in their order: what is open, and what each status completes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from evd.derived.activities import UNSEEN_CHARGE, Ended, VehicleActivity, step
from evd.derived.calendar import UTC_NAME, part_at
from evd.derived.rollups import Rollup, between
from evd.derived.samples import StatusSample


class Completed(NamedTuple):
    """What a status completes: the part before its own, and activities."""

    part: Rollup | None
    ended: list[Ended]


class Fold:
    """`part` is the part of the last status, `open` the activity that goes on, `last` the status itself."""

    __slots__ = ("floor", "last", "open", "part", "until", "zone")

    def __init__(
        self,
        zone: str = UTC_NAME,
        *,
        part: Rollup | None = None,
        last: StatusSample | None = None,
        open_: VehicleActivity | None = None,
        floor: tuple[int, int] | None = None,
    ) -> None:
        self.zone = zone
        self.floor = floor
        """Time and seqNumber up to which statuses do not count any more."""
        self.part = part
        self.last = last
        self.open = open_
        self.until = 0 if last is None else part_at(last.time, zone).until
        """The end of `part` (epoch ms)."""

    def take_quiet(self, sample: StatusSample) -> bool:
        """Take the next status in order if it completes nothing and opens nothing; False: it was not taken."""
        last = self.last
        if (
            self.open is not None
            or last is None
            or sample.kind
            or sample.time >= self.until
            or sample.rank <= last.rank
        ):
            return False
        if sample.location is not None and sample.location != last.location:
            return False
        if sample.charge is not None and last.charge is not None and sample.charge - last.charge >= UNSEEN_CHARGE:
            return False
        assert self.part is not None
        self.part.add(sample)
        self.part.add_between(between(last, sample))
        self.last = sample
        return True

    def take(self, sample: StatusSample) -> Completed:
        """The next status in order."""
        done: Rollup | None = None
        if self.part is None or sample.time >= self.until:
            done = self.part
            span = part_at(sample.time, self.zone)
            self.part, self.until = Rollup(span.start, span.day), span.until
        self.part.add(sample)
        self.part.add_between(between(self.last, sample))
        self.open, ended = step(self.open, self.last, sample)
        self.last = sample
        return Completed(done, ended)


class Derived(NamedTuple):
    """Of statuses in order: their parts, the activities that ended, and the one that is open."""

    parts: list[Rollup]
    ended: list[Ended]
    open: VehicleActivity | None


def derive(samples: Iterable[StatusSample], zone: str = UTC_NAME) -> Derived:
    """Of all statuses of a vehicle, in any order and with repeats."""
    fold, parts, ended = Fold(zone), [], []
    for sample in once_in_order(samples):
        completed = fold.take(sample)
        parts += [completed.part] if completed.part else []
        ended += completed.ended
    return Derived([*parts, *([fold.part] if fold.part else [])], ended, fold.open)


def once_in_order(samples: Iterable[StatusSample]) -> Iterator[StatusSample]:
    found = {sample.status_id: sample for sample in samples}
    return iter(sorted(found.values(), key=lambda sample: sample.rank))


def merged(parts: Iterable[Rollup], start: int, day: int) -> Rollup:
    """Of an hour or a day: its parts as one."""
    whole = Rollup(start, day)
    for part in parts:
        whole.merge(part)
    return whole


class SavedFold(msgspec.Struct, omit_defaults=True):
    """A fold as it is stored."""

    last: StatusSample
    part: str
    """As `evd.derived.rollups.written`."""
    start: int
    day: int
    open: VehicleActivity | None = None
    floor: tuple[int, int] | None = None


encode_activity = msgspec.json.Encoder().encode
decode_activity = msgspec.json.Decoder(VehicleActivity).decode
