"""What is derived from statuses, kept in step with the rings and in their transaction.

A status in order extends what is open of its vehicle in memory, which is written after some statuses; those that came
since are in the ring and are derived again at the next start. What they ended is written at once, and again then: it is
the same. A late status is put between its neighbours: the part
that it falls into has it added, and activities are found again from the status before it, whose row has what was open.
A status that the ring does not keep does not count; one that it keeps counts once, for the ring knows duplicates. So
what is derived depends on the statuses that were kept, and on no order of arrival.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

from evd.derived.activities import Ended, VehicleActivity, step
from evd.derived.calendar import UTC_NAME, part_at
from evd.derived.fold import Fold, decode_activity, encode_activity, read_fold, saved_state
from evd.derived.open_part import OpenPart
from evd.derived.rollups import Rollup, between, read_rollup, written
from evd.derived.samples import Rank, StatusSample, read_sample
from evd.model.operations import Arrive
from evd.model.units import DAY_MS
from evd.store.sqlite.annotations import NO_SEQ
from evd.store.sqlite.commit_thread import CommitThread
from evd.store.sqlite.ring_order import ROW_AT, RingOrder, RingRow
from evd.store.sqlite.ring_state import SAVE_EVERY, RingState

CATCH_UP_ROWS = 500
"""Statuses derived in one step beside the loop: about 20 ms. A ring from before evd derived anything takes many."""

LOWEST: Rank = (-(1 << 63), -(1 << 63), "")

OPEN_FOLD = "SELECT state, time, seq, id, fields, start, day, data FROM derived WHERE vehicle = ?"
"""What `evd.derived.fold.read_fold` takes, of a vehicle's number."""

_UNDERIVED = """
SELECT number, vehicle FROM vehicles WHERE number > ? AND kept > 0
    AND NOT EXISTS (SELECT 1 FROM derived WHERE derived.vehicle = number) ORDER BY number LIMIT 1"""
_SAVE = """
INSERT OR REPLACE INTO derived (vehicle, state, time, seq, id, fields, start, day, data)
VALUES (?, CAST(? AS TEXT), ?, ?, ?, CAST(? AS TEXT), ?, ?, CAST(? AS TEXT))"""
_ZONE = "SELECT p.zone FROM vehicles AS v JOIN vehicle_profiles AS p ON p.vehicle = v.vehicle WHERE v.number = ?"
_PART = "SELECT day, data FROM hour_parts WHERE vehicle = ? AND start = ?"
_PUT_PART = """
INSERT INTO hour_parts (vehicle, start, day, data) VALUES (?, ?, ?, CAST(? AS TEXT))
ON CONFLICT DO UPDATE SET data = excluded.data"""
_PUT_ACTIVITY = "INSERT OR REPLACE INTO activities VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_NOT_ENDED = "DELETE FROM activities WHERE vehicle = ? AND time = ? AND seq = ? AND id = ?"
_SET_OPEN = "UPDATE statuses SET activity = CAST(? AS TEXT) WHERE place = ?"
_FORGET = (
    """
DELETE FROM hour_parts WHERE vehicle = ?1 AND start < ?2 AND start <= ifnull(
    (SELECT start FROM hour_parts WHERE vehicle = ?1 ORDER BY start LIMIT 1 OFFSET ?3), ?2)""",
    """
DELETE FROM activities WHERE vehicle = ?1 AND time < ?2 AND time <= ifnull(
    (SELECT time FROM activities WHERE vehicle = ?1 ORDER BY time LIMIT 1 OFFSET ?3), ?2)""",
)

FORGET_ROWS = 2_000
"""Rows of a table that are forgotten at once, in some milliseconds; those of some weeks are far less."""

FORGET_TIMES = 64
"""How often in `retention.rollup_days` old rows of a vehicle are looked for: once in 28 days of five years."""


class Derivation:
    """On the rings' connection and inside the caller's transaction. Gathered rows of a vehicle must be written before a
    late status, or a changed one.

    With `days` 0 nothing is derived. `count_up_to` is that of `evd.store.sqlite.ring_search.Search`.
    """

    def __init__(
        self,
        connection: Any,
        commit_thread: CommitThread,
        count_up_to: Callable[[RingState, Any], int],
        *,
        days: int,
    ) -> None:
        self._db = connection
        self._commit_thread = commit_thread
        self._count_up_to = count_up_to
        self._days = days
        self.lagging: dict[str, None] = {}
        """Vehicles whose rings have more statuses to be derived than can be done at once."""
        self._written = 0
        self._zones_as_of = 0
        """Raised when a vehicle's zone may have changed."""
        self._changed_heads: dict[int, RingState] = {}
        """Heads whose statuses were changed in place."""
        self._underived_from = 0 if days else None
        """Vehicles with a number above it may have statuses of which nothing was ever derived; None: none has."""

    @property
    def lags(self) -> bool:
        """Whether `next_lagging` may find a vehicle."""
        return bool(self.lagging) or self._underived_from is not None

    def next_lagging(self) -> str | None:
        """A vehicle whose ring has statuses that were not derived."""
        if not self.lagging and self._underived_from is not None:
            row = self._db.execute(_UNDERIVED, (self._underived_from,)).fetchone()
            self._underived_from = None if row is None else row[0]
            if row is not None:
                self.lagging[row[1]] = None
        return next(iter(self.lagging), None)

    def load(self, vehicle: str, head: RingState) -> bool:
        """Give a head what is open of its vehicle, with what came since it was written; False: that is too much."""
        if not self._days:
            return True
        fold = self._read(head.number)
        behind = list(islice(self._since(head, fold), SAVE_EVERY + 1))
        if len(behind) > SAVE_EVERY:
            self.lagging[vehicle] = None
            return False
        self._catch_up(head, fold, behind)
        self._raise_floor(head, fold)
        head.fold = fold
        return True

    def catch_up(self, head: RingState) -> bool:
        """Derive some more statuses of a lagging vehicle; whether some are left."""
        fold = self._read(head.number)
        behind = list(islice(self._since(head, fold), CATCH_UP_ROWS + 1))
        self._catch_up(head, fold, behind[:CATCH_UP_ROWS])
        if fold.last is not None:
            self._write(head.number, fold)
        return len(behind) > CATCH_UP_ROWS

    def arrive(self, head: RingState, message: Arrive, index: int) -> None:
        """Derive from a status that its ring will keep; `index` statuses of the circle do not rank above it."""
        if not self._days or not message.timely:
            return
        seq = NO_SEQ if message.seq is None else message.seq
        fold = head.fold
        if fold is not None and fold.take_quiet(message.time, seq, message.status_id, message.fields):
            head.unsaved += 1
            return
        if fold is not None and fold.is_below(message.time, seq, message.status_id):
            self._turn(head, fold, message.time)
            if not fold.take_quiet(message.time, seq, message.status_id, message.fields):
                self._take(head, fold, read_sample(message.time, seq, message.status_id, message.fields))
                head.activity = _text(fold.open)
            head.unsaved += 1
            return
        sample = read_sample(message.time, seq, message.status_id, message.fields)
        lagging = fold is None
        if fold is None:
            fold = self._read(head.number)
        if fold.is_below(*sample.rank):
            return  # it is in the ring when that is caught up with
        if fold.floor is not None and sample.rank[:2] <= fold.floor:
            return
        head.activity = self._insert(head, fold, sample, index)
        if lagging:
            self._write(head.number, fold)
        else:
            head.unsaved = SAVE_EVERY

    @contextmanager
    def changing(self, head: RingState | None, place: int) -> Iterator[None]:
        """A written status has other fields behind this context: derive again from it."""
        before = self._row_at(place) if head is not None and self._days else None
        yield
        if head is not None and before is not None and self._change(head, place, before):
            head.unsaved = SAVE_EVERY
            self._changed_heads[head.number] = head

    def save_due(self, touched: Mapping[int, RingState]) -> None:
        """Gather what is open of these vehicles where enough changed; begins a transaction if that needs one."""
        due = [head for head in touched.values() if head.unsaved >= head.save_at]
        if self._changed_heads:
            due += [head for head in self._changed_heads.values() if head.number not in touched]
            self._changed_heads.clear()
        for head in due:
            fold = head.fold
            if fold is None or fold.part is None or fold.changed:
                self._begin()
                self.save(head)
            else:
                head.unsaved = 0
                self._written += 1
                self._commit_thread.open_part(head.number, *fold.part.saved())

    def take_written(self) -> int:
        """How many rows were written since the last call, because they lengthen the WAL."""
        written_, self._written = self._written, 0
        return written_

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")

    def save(self, head: RingState) -> None:
        """Write what is open of a vehicle, in an open transaction; nothing of it may be gathered."""
        head.unsaved = 0
        if head.fold is not None:
            self._write(head.number, head.fold)

    def zones_changed(self) -> None:
        """Note that a vehicle may have another zone: what begins from now on has it."""
        self._zones_as_of += 1

    def forget(self) -> None:
        """Reset after a rollback."""
        self._changed_heads.clear()

    def _row_at(self, place: int) -> RingRow | None:
        row = self._db.execute(ROW_AT, (place,)).fetchone()
        return None if row is None else RingRow(*row)

    def _change(self, head: RingState, place: int, before: RingRow) -> bool:
        """Derive again from a status that was `before`; whether anything changed."""
        this, fold = self._row_at(place), head.fold
        if this is None or fold is None or fold.last is None or before.rank > fold.last.rank:
            return False
        if before.sample == this.sample:
            return False
        assert fold.part is not None
        if fold.last.rank == before.rank:
            fold.part.last = this.sample
        self._db.execute(_NOT_ENDED, (head.number, *before.rank))
        order, index = RingOrder(self._db, head), self._index(head, this.rank)
        below = next(order.below(this.rank, index), None)
        last = None if below is None else below.sample
        self._go_on(head, fold, _open(below), last, chain([this], order.above(this.rank, index)))
        if before.sample.numbers != this.sample.numbers:
            above = next(order.above(this.rank, index), None)
            for start in {part_at(row.time, fold.zone).start for row in (this, above) if row is not None}:
                self._rebuild(head, fold, start)
        return True

    def _raise_floor(self, head: RingState, fold: Fold) -> None:
        """Note what leaves a ring whose size is changed: if it came again, the ring could not know that it is known."""
        if head.keep == head.slots and head.total <= head.keep:
            return
        first = max(head.total - head.keep, 0)
        if not first and head.total < head.slots:
            return  # nothing ever left it
        lowest = next(islice(RingOrder(self._db, head).above(LOWEST, 0), first, None), None)
        if lowest is not None and (fold.floor is None or fold.floor < lowest.rank[:2]):
            fold.floor = lowest.rank[:2]
            self._write(head.number, fold)

    def _read(self, number: int) -> Fold:
        row = self._db.execute(OPEN_FOLD, (number,)).fetchone()
        zone = self._zone(number)
        fold = Fold(zone) if row is None else read_fold(zone, *row)
        fold.zone_as_of = self._zones_as_of
        return fold

    def _zone(self, number: int) -> str:
        return (self._db.execute(_ZONE, (number,)).fetchone() or (None,))[0] or UTC_NAME

    def _write(self, number: int, fold: Fold) -> None:
        if fold.part is not None:
            self._written += 1
            self._db.execute(_SAVE, (number, saved_state(fold), *fold.part.saved()))
            fold.changed = False

    def _since(self, head: RingState, fold: Fold) -> Iterator[RingRow]:
        order, last = RingOrder(self._db, head), fold.last
        if last is None:
            return order.above(LOWEST, 0)
        return order.above(last.rank, self._index(head, last.rank))

    def _index(self, head: RingState, rank: Rank) -> int:
        return self._count_up_to(head, (True, *rank[:2]))

    def _catch_up(self, head: RingState, fold: Fold, rows: Iterable[RingRow]) -> None:
        for row in rows:
            self._turn(head, fold, row.time, at_once=True)
            self._take(head, fold, row.sample)
            self._set_open(row, fold.open)
            head.unsaved += 1

    def _turn(self, head: RingState, fold: Fold, time: int, *, at_once: bool = False) -> None:
        """The next status in order has this time: its part begins, if it is not the one that goes on.

        The part before it is gathered, or written `at_once`: who catches up may go on with a late status of that part.
        """
        part = fold.part
        if part is None or time < part.until:
            return
        if fold.zone_as_of != self._zones_as_of:
            fold.zone, fold.zone_as_of = self._zone(head.number), self._zones_as_of
        day = part.day
        ended = fold.turn(time)
        assert ended is not None
        self._written += 1
        if at_once:
            self._begin()
            self._db.execute(_PUT_PART, (head.number, *ended))
        else:
            self._commit_thread.ended_part(head.number, *ended)
        if part.day != day:
            self._forget_old(head.number, day, part.day)

    def _take(self, head: RingState, fold: Fold, sample: StatusSample) -> None:
        """The next status in order, of the part that goes on."""
        ended = fold.take(sample).ended
        if ended:
            self._begin()
            self._put_ended(head.number, ended)

    def _insert(self, head: RingState, fold: Fold, sample: StatusSample, index: int) -> bytes | None:
        """Put a late status between its neighbours; returns what is open after it."""
        order = RingOrder(self._db, head)
        below = next(order.below(sample.rank, index), None)
        following = order.above(sample.rank, index)
        above = next(following, None)
        before = None if below is None else below.sample
        part = self._part_of(head.number, fold, sample.time)
        part.add(sample)
        part.add_between(between(before, sample))
        self._changed(head.number, part)
        rows: Iterable[RingRow] = ()
        if above is not None:
            rows = chain([above], following)
            after = above.sample
            part = self._part_of(head.number, fold, after.time)
            part.add_between(between(before, after), -1)
            part.add_between(between(sample, after))
            self._changed(head.number, part)
        opened, ended = step(_open(below), before, sample)
        self._put_ended(head.number, ended)
        self._go_on(head, fold, opened, sample, rows)
        return _text(opened)

    def _go_on(
        self,
        head: RingState,
        fold: Fold,
        open_: VehicleActivity | None,
        last: StatusSample | None,
        rows: Iterable[RingRow],
    ) -> None:
        """Find activities again in these statuses, until what is open after one is what was open before."""
        rank = None if fold.last is None else fold.last.rank
        for number, row in enumerate(rows):
            sample = row.sample
            open_, ended = step(open_, last, sample)
            last = sample
            self._db.execute(_NOT_ENDED, (head.number, *row.rank))
            self._put_ended(head.number, ended)
            if not self._set_open(row, open_) and number:
                return
            if rank is not None and row.rank == rank:
                fold.changed = fold.changed or open_ is not None or fold.open is not None
                fold.open = open_
                return

    def _set_open(self, row: RingRow, open_: VehicleActivity | None) -> bool:
        """Whether another activity was open after the status."""
        text = _text(open_)
        if (None if row.activity is None else row.activity.encode()) == text:
            return False
        self._db.execute(_SET_OPEN, (text, row.place))
        return True

    def _part_of(self, number: int, fold: Fold, time: int) -> Rollup | OpenPart:
        span = part_at(time, fold.zone)
        if fold.part is not None and fold.part.start == span.start:
            return fold.part
        row = self._db.execute(_PART, (number, span.start)).fetchone()
        return Rollup(span.start, span.day) if row is None else read_rollup(span.start, *row)

    def _changed(self, number: int, part: Rollup | OpenPart) -> None:
        if isinstance(part, Rollup):
            self._put_part(number, part)

    def _put_part(self, number: int, part: Rollup) -> None:
        self._written += 1
        self._db.execute(_PUT_PART, (number, part.start, part.day, written(part)))

    def _rebuild(self, head: RingState, fold: Fold, start: int) -> None:
        """Roll a part up again from its statuses, if the ring has all of them."""
        span = part_at(start, fold.zone)
        there = self._part_of(head.number, fold, start)
        first = (start, -(1 << 63), "")
        order, index = RingOrder(self._db, head), self._index(head, first)
        last = next((row.sample for row in order.below(first, index)), None)
        again = Rollup(span.start, span.day)
        for row in order.above(first, index):
            if row.time >= span.until:
                break
            again.add(row.sample)
            again.add_between(between(last, row.sample))
            last = row.sample
        messages = there.messages if isinstance(there, Rollup) else there.counts().messages
        if again.messages != messages:
            return
        if isinstance(there, Rollup):
            self._put_part(head.number, again)
        else:
            fold.part = OpenPart(again, there.until, there.last)

    def _put_ended(self, number: int, ended: Iterable[Ended]) -> None:
        for one, by in ended:
            self._written += 1
            self._db.execute(
                _PUT_ACTIVITY,
                (
                    *(number, *by.rank, one.kind, one.start, one.end),
                    *(one.start_charge, one.end_charge, one.start_range, one.end_range),
                    *(one.start_place, one.end_place, one.peak, one.current, one.way, one.messages, one.inferred),
                ),
            )

    def _forget_old(self, number: int, before: int, day: int) -> None:
        """Now and then, at a day's end, the vehicle's oldest rows; each vehicle on other days."""
        every = max(self._days // FORGET_TIMES, 1)
        if (before + number) // every == (day + number) // every:
            return
        self._begin()
        for sql in _FORGET:
            self._db.execute(sql, (number, (day - self._days) * DAY_MS, FORGET_ROWS))


def _open(row: RingRow | None) -> VehicleActivity | None:
    return None if row is None or row.activity is None else decode_activity(row.activity)


def _text(open_: VehicleActivity | None) -> bytes | None:
    return None if open_ is None else encode_activity(open_)
