"""All that is derived of one vehicle, status by status in their order: what is open, and what each status completes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from evd.derived.activities import Ended, VehicleActivity, step
from evd.derived.calendar import UTC_NAME, part_at
from evd.derived.quiet import Figures, QuietStatuses, rolled_up
from evd.derived.rollups import Rollup, between, read_rollup, written
from evd.derived.samples import FULL_RANGE, NUMBERS, StatusSample


class Completed(NamedTuple):
    """What a status completes: the part before its own, and activities."""

    part: Rollup | None
    ended: list[Ended]


class Since(NamedTuple):
    """The last status, and the figures of it and those before it."""

    last: StatusSample
    figures: Figures


class Fold:
    """`part` is the part of the last status, `open` the activity that goes on, `last` the status itself."""

    __slots__ = ("_last", "_part", "_quiet", "changed", "floor", "open", "until", "zone")

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
        self.open = open_
        self.changed = True
        """Whether more changed since it was stored than `unmerged` says; who changes what a property gives sets it."""
        self.until = 0 if last is None else part_at(last.time, zone).until
        """The end of `part` (epoch ms)."""
        self._part = part
        self._last = last
        self._quiet: QuietStatuses | None = None
        """The statuses behind `_last` that were not merged into `_part` yet."""

    @property
    def part(self) -> Rollup | None:
        self._settle()
        return self._part

    @part.setter
    def part(self, part: Rollup) -> None:
        self._settle()
        self._part, self.changed = part, True

    @property
    def last(self) -> StatusSample | None:
        self._settle()
        return self._last

    @last.setter
    def last(self, last: StatusSample) -> None:
        self._settle()
        self._last, self.changed = last, True

    def take_quiet(self, time: int, seq: int, status_id: str, fields: bytes) -> bool:
        """Take the next status in order if it completes nothing and opens nothing; False: it was not taken."""
        quiet = self._quiet
        if quiet is None:
            if self.open is not None or self._last is None:
                return False
            quiet = self._quiet = QuietStatuses(self._last, self.until)
        return quiet.take(time, seq, status_id, fields)

    def unmerged(self) -> Since | None:
        """What `take_quiet` took since `changed` was false."""
        quiet = self._quiet
        if quiet is None or not quiet.messages:
            return None
        return Since(quiet.sample(), Figures(quiet.messages, quiet.charged, quiet.used, quiet.packed()))

    def take(self, sample: StatusSample) -> Completed:
        """The next status in order."""
        self._settle()
        self.changed = True
        done: Rollup | None = None
        if self._part is None or sample.time >= self.until:
            done = self._part
            span = part_at(sample.time, self.zone)
            self._part, self.until = Rollup(span.start, span.day), span.until
        self._part.add(sample)
        self._part.add_between(between(self._last, sample))
        self.open, ended = step(self.open, self._last, sample)
        self._last = sample
        return Completed(done, ended)

    def _settle(self) -> None:
        quiet, self._quiet = self._quiet, None
        if quiet is not None and quiet.messages and self._part is not None:
            self._part.merge(quiet.rollup(self._part.start, self._part.day))
            self._last = quiet.sample()
            self.changed = True


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
    names: tuple[str, ...] = ()
    """The measures of the evd that stored it, in the order of the numbers in `last` and in what came since."""

    @classmethod
    def of(cls, fold: Fold) -> SavedFold | None:
        """None if there was no status yet."""
        part, last = fold.part, fold.last
        if part is None or last is None:
            return None
        return cls(last, written(part), part.start, part.day, fold.open, fold.floor, NUMBERS)

    def fold(self, zone: str, since: Since | None = None) -> Fold:
        """As it was; `since` is what `Fold.unmerged` said afterwards."""
        part, last = read_rollup(self.start, self.day, self.part), self.last
        if since is not None:
            last = since.last
            part.merge(rolled_up(since.figures, self.start, self.day, (*self.names, FULL_RANGE)))
        known = dict(zip(self.names, last.numbers, strict=True))
        last = last._replace(numbers=tuple(map(known.get, NUMBERS)))
        return Fold(zone, part=part, last=last, open_=self.open, floor=self.floor)


encode_activity = msgspec.json.Encoder().encode
decode_activity = msgspec.json.Decoder(VehicleActivity).decode
