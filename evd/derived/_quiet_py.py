"""Roll up statuses that come in order and show nothing but numbers: nearly all. The reference for `_quiet.pyx`.

What was rolled up is kept apart from its part, in a form that costs little to write, and is merged into it when
somebody asks.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from evd.derived.activities import UNSEEN_CHARGE
from evd.derived.rollups import Rollup, Spread, between
from evd.derived.samples import ROLLED_UP, StatusSample, read_sample

_SPREAD = struct.Struct("=qqddddqqqq")
_NONE = bytes(_SPREAD.size)


class Figures(NamedTuple):
    """What was rolled up: counts of `Rollup`, and a packed spread for each of ROLLED_UP."""

    messages: int
    charged: int
    used: int
    spreads: bytes


class QuietStatuses:
    """Statuses behind `last`, before `until` (epoch ms): none opens or ends an activity, or shows another place."""

    def __init__(self, last: StatusSample, until: int) -> None:
        self._last = last
        self._until = until
        self._rollup = Rollup(0, 0)

    def take(self, time: int, seq: int, status_id: str, fields: bytes) -> bool:
        """Whether the status was taken; if not, nothing was done."""
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

    @property
    def messages(self) -> int:
        return self._rollup.messages

    @property
    def charged(self) -> int:
        return self._rollup.charged

    @property
    def used(self) -> int:
        return self._rollup.used

    def sample(self) -> StatusSample:
        """The last status."""
        return self._last

    def packed(self) -> bytes:
        """The spreads, as `Figures` has them."""
        return b"".join([_pack(self._rollup.measures.get(name)) for name in ROLLED_UP])

    def rollup(self, start: int, day: int) -> Rollup:
        """All of it."""
        return rolled_up(Figures(self.messages, self.charged, self.used, self.packed()), start, day)


def rolled_up(figures: Figures, start: int, day: int, names: Sequence[str] = ROLLED_UP) -> Rollup:
    """A roll-up of these figures; `names` are what their spreads are of."""
    measures = {}
    for name, values in zip(names, _SPREAD.iter_unpack(figures.spreads), strict=True):
        count, total, least, greatest, first, last, *times = values
        if count:
            at = ((times[0], times[1]), (times[2], times[3]))
            measures[name] = Spread(count, total, least, greatest, first, last, *at)
    return Rollup(start, day, figures.messages, figures.charged, figures.used, measures=measures)


def _pack(spread: Spread | None) -> bytes:
    if spread is None:
        return _NONE
    values = (spread.count, spread.total, spread.least, spread.greatest, spread.first, spread.last)
    return _SPREAD.pack(*values, *spread.first_at, *spread.last_at)
