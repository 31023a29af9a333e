"""The part of a vehicle that goes on, with its last status: rolled up as statuses come, written when it ends.

The reference for `_open_part.pyx`, which holds the same in a struct and reads and writes JSON in one pass.
"""

from __future__ import annotations

from typing import NamedTuple

from evd.derived.activities import UNSEEN_CHARGE
from evd.derived.rollups import Between, Rollup, Spread, between, read_rollup, written
from evd.derived.samples import NUMBERS, ROLLED_UP, StatusSample, read_sample
from evd.model.json_bytes import json_bytes


class Counts(NamedTuple):
    """A roll-up without its spreads: its members of the same names."""

    start: int
    day: int
    messages: int
    charged: int
    used: int
    driven: int
    current: int


class SavedPart(NamedTuple):
    """An open part as it is stored."""

    time: int
    seq: int
    status_id: str
    fields: bytes
    """JSON: a status with the last one's sample."""
    start: int
    day: int
    data: bytes
    """As `evd.derived.rollups.written`."""


class RollupSum:
    """A roll-up that is added to."""

    def __init__(self, rollup: Rollup) -> None:
        self._rollup = rollup

    @property
    def start(self) -> int:
        return self._rollup.start

    @property
    def day(self) -> int:
        return self._rollup.day

    def add(self, sample: StatusSample) -> None:
        """As `Rollup.add`."""
        self._rollup.add(sample)

    def add_between(self, what: Between, times: int = 1) -> None:
        """As `Rollup.add_between`."""
        self._rollup.add_between(what, times)

    def add_written(self, start: int, text: str) -> None:
        """Add all of a roll-up as `evd.derived.rollups.written`."""
        self._rollup.merge(read_rollup(start, self.day, text))

    def restart(self, start: int, day: int) -> None:
        """Empty it, and name it anew."""
        self._rollup = Rollup(start, day)

    def rollup(self) -> Rollup:
        """A copy."""
        copied = Rollup(self.start, self.day)
        copied.merge(self._rollup)
        return copied

    def written(self) -> bytes:
        """As `evd.derived.rollups.written`; a number may have another spelling."""
        return written(self._rollup).encode()

    def shown_measures(self) -> bytes:
        """A JSON object for people: each measure's `count`, `min`, `mean`, `max`, `first`, `last`."""
        measures = self._rollup.measures
        return json_bytes({name: _shown(measures[name]) for name in ROLLED_UP if name in measures})

    def counts(self) -> Counts:
        one = self._rollup
        return Counts(one.start, one.day, one.messages, one.charged, one.used, one.driven, one.current)


class OpenPart(RollupSum):
    """The roll-up of a part that ends at `until` (epoch ms, not included), and the vehicle's last status so far."""

    def __init__(self, rollup: Rollup, until: int, last: StatusSample) -> None:
        super().__init__(rollup)
        self._until = until
        self._last = last
        self._fields: bytes | None = None
        """Those of `last`, where they are known."""

    @property
    def until(self) -> int:
        return self._until

    @property
    def last(self) -> StatusSample:
        return self._last

    @last.setter
    def last(self, last: StatusSample) -> None:
        self._last, self._fields = last, None

    def is_below(self, time: int, seq: int, status_id: str) -> bool:
        """Whether the last status ranks below this one."""
        return self._last.rank < (time, seq, status_id)

    def take_quiet(self, time: int, seq: int, status_id: str, fields: bytes) -> bool:
        """Take the next status of this part if it shows nothing but numbers; False: nothing was done.

        Call it while no activity is open: a quiet status opens none, and shows no other place.
        """
        last = self._last
        if time >= self._until or (time, seq) <= (last.time, last.seq):
            return False
        sample = read_sample(time, seq, status_id, fields)
        if sample.kind or (sample.location is not None and sample.location != last.location):
            return False
        if sample.charge is not None and last.charge is not None and sample.charge - last.charge >= UNSEEN_CHARGE:
            return False
        self.add(sample)
        self.add_between(between(last, sample))
        self._last, self._fields = sample, fields
        return True

    def begin(self, start: int, until: int, day: int) -> None:
        """The next part; what was rolled up is gone."""
        self.restart(start, day)
        self._until = until

    def saved(self) -> SavedPart:
        """What `evd.derived.fold.read_fold` makes it of again."""
        last = self._last
        fields = self._fields or fields_of(last)
        return SavedPart(last.time, last.seq, last.status_id, fields, self.start, self.day, self.written())


def fields_of(sample: StatusSample) -> bytes:
    """Fields with this sample."""
    named = dict(zip(NUMBERS, sample.numbers, strict=True), location=sample.location)
    return json_bytes({name: value for name, value in named.items() if value is not None})


def _shown(spread: Spread) -> dict[str, float]:
    """The mean is rounded to millionths, halves up."""
    return {
        "count": spread.count,
        "min": spread.least,
        "mean": (2 * spread.total + spread.count) // (2 * spread.count) / 1e6,
        "max": spread.greatest,
        "first": spread.first,
        "last": spread.last,
    }
