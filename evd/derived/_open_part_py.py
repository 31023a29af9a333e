"""The part of a vehicle that goes on, with its last status: rolled up as statuses come, written when it ends.

The reference for `_open_part.pyx`, which holds the same in a struct and reads and writes JSON in one pass.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from evd.derived.activities import UNSEEN_CHARGE
from evd.derived.rollups import Between, Rollup, Spread, between, written
from evd.derived.samples import ROLLED_UP, StatusSample, read_sample

_SPREAD = struct.Struct("=qqddddqqqq")
_NONE = bytes(_SPREAD.size)


class Counts(NamedTuple):
    """A roll-up without its spreads: its members of the same names."""

    start: int
    day: int
    messages: int
    charged: int
    used: int
    driven: int
    current: int


class OpenPart:
    """The roll-up of a part that ends at `until` (epoch ms, not included), and the vehicle's last status so far."""

    def __init__(self, rollup: Rollup, until: int, last: StatusSample) -> None:
        self._rollup = rollup
        self._until = until
        self._last = last

    @property
    def start(self) -> int:
        return self._rollup.start

    @property
    def day(self) -> int:
        return self._rollup.day

    @property
    def until(self) -> int:
        return self._until

    @property
    def last(self) -> StatusSample:
        return self._last

    @last.setter
    def last(self, last: StatusSample) -> None:
        self._last = last

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
        self._rollup.add(sample)
        self._rollup.add_between(between(last, sample))
        self._last = sample
        return True

    def add(self, sample: StatusSample) -> None:
        """A status of this part, as `Rollup.add`; the last one stays."""
        self._rollup.add(sample)

    def add_between(self, what: Between, times: int = 1) -> None:
        """As `Rollup.add_between`."""
        self._rollup.add_between(what, times)

    def begin(self, start: int, until: int, day: int) -> None:
        """The next part; what was rolled up is gone."""
        self._rollup = Rollup(start, day)
        self._until = until

    def rollup(self) -> Rollup:
        """A copy."""
        copied = Rollup(self.start, self.day)
        copied.merge(self._rollup)
        return copied

    def written(self) -> bytes:
        """As `evd.derived.rollups.written`; a number may have another spelling."""
        return written(self._rollup).encode()

    def counts(self) -> Counts:
        one = self._rollup
        return Counts(one.start, one.day, one.messages, one.charged, one.used, one.driven, one.current)

    def packed(self) -> bytes:
        """The spreads in the order of ROLLED_UP, for `unpacked`."""
        return b"".join([_pack(self._rollup.measures.get(name)) for name in ROLLED_UP])


def unpacked(counts: Counts, spreads: bytes, names: Sequence[str] = ROLLED_UP) -> Rollup:
    """The roll-up whose `counts` and `packed` these are; `names` are what its spreads are of."""
    measures = {}
    for name, values in zip(names, _SPREAD.iter_unpack(spreads), strict=True):
        count, total, least, greatest, first, last, *times = values
        if count:
            at = ((times[0], times[1]), (times[2], times[3]))
            measures[name] = Spread(count, total, least, greatest, first, last, *at)
    return Rollup(*counts, measures)


def _pack(spread: Spread | None) -> bytes:
    if spread is None:
        return _NONE
    values = (spread.count, spread.total, spread.least, spread.greatest, spread.first, spread.last)
    return _SPREAD.pack(*values, *spread.first_at, *spread.last_at)
