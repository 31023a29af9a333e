"""The rings in SQLite: what arrivals change in `vehicles`, `statuses` and `overflow`.

evd.model.retention decides which statuses stay, and in which slot; this module reads what the decision needs and
executes it. A status that is newer than its vehicle's last one is in no ring yet, so it needs no look-up: such rows are
gathered and written together, over the evicted ones. All others need a look-up first. No operation costs more in a
long ring than in a short one, except the steps of `upkeep`, which run beside the loop.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, TypeVar

from msgspec.structs import replace

from evd.model import retention as ring
from evd.model.connectivity import SIGFOX
from evd.model.frame_counter import NOT_COUNTED, SEQ_MAX, DayTally
from evd.model.operations import Arrive, Frame
from evd.model.retention import SHIFT_MAX, Circle, Rank, Verdict
from evd.model.status import AHEAD_MS
from evd.store.sqlite.annotations import NO_SEQ, Annotations
from evd.store.sqlite.commit_thread import CommitThread
from evd.store.sqlite.derivation import Derivation
from evd.store.sqlite.frame_counts import FrameCounts, Neighbours, is_numbered
from evd.store.sqlite.heads import Heads
from evd.store.sqlite.ring_ahead import take_out
from evd.store.sqlite.ring_bounds import RingBounds
from evd.store.sqlite.ring_layout import let_go, set_aside, write_shape
from evd.store.sqlite.ring_leaving import CREATE, leave, merged_into
from evd.store.sqlite.ring_overflow import Overflow
from evd.store.sqlite.ring_search import SHAPE_EVERY, TIES_MAX, Search
from evd.store.sqlite.ring_state import RingState
from evd.store.sqlite.ring_upkeep import RingMaintenance
from evd.store.sqlite.ring_window import FoundInRing, glance

TRIM_AT_ONCE = 16
"""Statuses evicted from a lowered ring with each message of its vehicle, so that it does not grow meanwhile."""

_SET_RADIO = "UPDATE statuses SET radio = ? WHERE place = ? AND id = ?"
_FIND = """
SELECT number, coalesce(keep, ?), slots, kept, newest, overflow,
    EXISTS (SELECT 1 FROM frames WHERE frames.vehicle = number), counted, counted_seq, received, lost, resets
FROM vehicles WHERE vehicle = ?"""

Heard = TypeVar("Heard", Arrive, Frame)


class Rings:
    """The rings of all vehicles, on one writing connection and inside the caller's transaction.

    The `committer` gathers rows; call `gather` before it is started. `capacity` is the number of statuses that a
    vehicle keeps unless it has a number of its own, `contract` that of messages a day that a device may send,
    `annotations_max` that of annotations that may wait.
    """

    shift_max = SHIFT_MAX

    def __init__(
        self,
        connection: Any,
        committer: CommitThread,
        *,
        capacity: int,
        create_unknown: bool,
        vehicles_max: int,
        contract: int,
        rollup_days: int,
        annotations_max: int,
    ) -> None:
        self._db = connection
        self._commit_thread = committer
        self._bounds = RingBounds(capacity, create_unknown, vehicles_max, contract)
        (self._vehicles,) = connection.execute("SELECT count(*) FROM vehicles").fetchone()
        self._heads = Heads()
        self._touched: dict[int, RingState] = {}
        """The heads whose rows are gathered."""
        self._overflow = Overflow(connection)
        self._search = Search(connection, self._overflow, contract)
        self._counts = FrameCounts(connection, self._overflow, contract)
        self.annotations = Annotations(connection, annotations_max)
        self.derivation = Derivation(connection, committer, self._search.count_up_to, days=rollup_days)
        self.upkeep = RingMaintenance(connection, self, self._overflow, capacity=capacity)

    def append(self, message: Arrive) -> bool:
        """Take a status that is newer than all of its ring; needs no look-up and no open transaction.

        Returns False, without doing anything, if it is not the newest or its head is not in memory: call `arrive`.
        """
        head = self._heads.get(message.vehicle) or self._held(message.vehicle)
        if head is None or not message.timely or not head.kept:
            return False
        time, seq = message.time, message.seq
        if seq is None:
            seq = NO_SEQ
        if self.annotations.waiting and (message.vehicle, time, seq) in self.annotations.waiting:
            return False
        tally = None
        if message.connectivity == SIGFOX and 0 <= seq <= SEQ_MAX:
            tally = head.tally
            if not tally.time < time < tally.midnight:  # once a day, and if a frame that is no status is newer
                return False
        fold = head.fold
        if fold is not None:
            if not head.plain or time < head.time or (time == head.time and seq <= head.seq):
                return False
            part = fold.part
            # As Fold.take_quiet, but for the call: this is done for each status.
            if part is not None and fold.open is None and part.take_quiet(time, seq, message.status_id, message.fields):
                head.unsaved += 1
            else:
                self.derivation.arrive(head, message, head.kept)
        slot = head.append(time, seq)
        if slot < 0:
            return False
        if tally is not None:
            tally.add(time, seq, self._bounds.contract)
        head.behind += 1
        self._write(message, head, head.base + slot, seq)
        return True

    def arrive(self, message: Arrive) -> Verdict:
        """Take one status, in an open transaction. Raises UnknownVehicle, LimitReached, RingDamaged."""
        head = self._held(message.vehicle)
        if head is None:
            message, head = self._load(message)
        if not head.plain:
            self._settle(head)
        rank, neighbours = Rank(message.timely, message.time, NO_SEQ if message.seq is None else message.seq), None
        if ring.needs_look(rank, head.last, ahead=head.ahead):
            self._flush_if_touched(head)
            verdict, index, neighbours = glance(self._db, message, head, rank) or self._look(message, head, rank)
        else:
            verdict, index = Verdict.NEWEST, head.kept
        if verdict is Verdict.DUPLICATE and rank.timely and head.ahead:
            place = self._overflow.find_ahead(head, rank, message.status_id)
            return verdict if place is None else self.admit(message.vehicle, rank, place)
        if verdict.kept:
            if rank.timely and is_numbered(message.connectivity, rank.time, rank.seq):
                self._count(head, rank, index, neighbours)
            self.derivation.arrive(head, message, index)
            place = self._put(message, head, rank, index)
            if verdict is Verdict.NEWEST:
                head.last = rank
            self._annotate_arrived(message, rank, place)
        elif verdict is not Verdict.DUPLICATE:
            self._db.execute("UPDATE vehicles SET too_old = too_old + 1 WHERE number = ?", (head.number,))
        return verdict

    def admit(self, vehicle: str, rank: Rank, place: int) -> Verdict:
        """Admit a status that was ahead of the server's clock and is now timely; in an open transaction.

        Its row is removed and inserted again. Raises RingDamaged.
        """
        head = self._held(vehicle) or self._find_and_hold(vehicle)
        assert head is not None
        self._flush_if_touched(head)
        message, radio = take_out(self._db, self._overflow, head, vehicle, rank, place)
        self._write_shape_now(head)
        verdict = self.arrive(message)
        if radio is not None:
            self.flush()
            for found in self._search.places(head, rank.time, rank.seq):
                self._db.execute(_SET_RADIO, (radio, found, message.status_id))
        return verdict

    def gather(self) -> None:
        """Gather the shapes of the rings that have changed enough to be written."""
        for head in self._touched.values():
            if head.behind >= SHAPE_EVERY or head.behind >= head.slots:
                self._commit_thread.shape(head.number, head.kept, head.newest, *head.tally.numbers)
                head.behind = 0
        self.derivation.save_due(self._touched)
        self._touched.clear()

    def flush(self) -> None:
        """Write the gathered rows, so that the next look-up sees them."""
        self.gather()
        self._commit_thread.flush()

    def forget(self) -> None:
        """Reset after a rollback: what memory held is no longer true."""
        self._heads.clear()
        self._touched.clear()
        self._commit_thread.drop()
        self.annotations.forget()
        self.derivation.forget()
        self.upkeep.forget()
        (self._vehicles,) = self._db.execute("SELECT count(*) FROM vehicles").fetchone()

    def find(self, vehicle: str) -> RingState | None:
        """The head of a known vehicle. Raises RingDamaged."""
        row = self._db.execute(_FIND, (self._bounds.capacity, vehicle)).fetchone()
        if row is None:
            return None
        number, keep, slots, kept, newest, overflow, frames, *tally = row
        ahead = bool(overflow) and self._overflow.has_future(number)
        head = RingState(
            *(number, Circle(slots, kept, newest), DayTally(*tally)),
            keep=keep,
            overflow=overflow,
            ahead=ahead,
            frames=bool(frames),
        )
        if head.kept:
            self._search.walk_on(head)
        if head.tally.time == NOT_COUNTED:
            self._counts.recount(head)
            write_shape(self._db, head)
        if not self.derivation.load(vehicle, head):
            self.upkeep.sizes_changed()
        return head

    def known(self, vehicle: str) -> bool:
        return self._db.execute("SELECT 1 FROM vehicles WHERE vehicle = ?", (vehicle,)).fetchone() is not None

    def refuses(self, vehicle: str) -> bool:
        """Whether a status of this vehicle would be refused."""
        closed = not self._bounds.create_unknown or self._vehicles >= self._bounds.vehicles_max
        return closed and not self.known(vehicle)

    def require_taken(self, vehicle: str) -> None:
        """Raise UnknownVehicle or LimitReached if a status of this vehicle would be refused."""
        if self.refuses(vehicle):
            self._bounds.require_open(vehicle)
            self._bounds.require_room(self._vehicles)

    def create(self, vehicle: str, at: int) -> RingState:
        """Add a row for a vehicle that is heard or named for the first time."""
        self._bounds.require_room(self._vehicles)
        cursor = self._db.execute(CREATE, (vehicle, self._bounds.capacity, at))
        self._vehicles += 1
        head = RingState(cursor.lastrowid, Circle(self._bounds.capacity), DayTally(), keep=self._bounds.capacity)
        self.derivation.load(vehicle, head)
        return head

    def leave(self, vehicle: str, goes_to: str | None) -> int | None:
        """The vehicle is gone, and its ring is emptied in steps (ring_leaving); returns its number, if it was known."""
        self.flush()
        self.drop(vehicle)
        number = leave(self._db, vehicle, goes_to)
        self._vehicles -= number is not None
        self.upkeep.ring_left()
        return number

    def settings_changed(self, vehicle: str) -> None:
        """Read the vehicle's settings again when it sends next; its ring may have to change its size."""
        self.flush()
        self.drop(vehicle)
        self.upkeep.sizes_changed()

    def drop(self, vehicle: str) -> None:
        """Drop the vehicle's head from memory; nothing of its ring may be gathered."""
        head = self._heads.drop(vehicle)
        if head is not None and head.unsaved:
            self.derivation.save(head)

    def count_frame(self, frame: Frame) -> None:
        """Count a frame that is no status, in an open transaction. Raises UnknownVehicle, LimitReached.

        A frame ahead of the clock is not counted: it would make all later frames late.
        """
        head = self._held(frame.vehicle)
        if head is None:
            frame, head = self._load(frame)
        rank = Rank(frame.time <= frame.received + AHEAD_MS, frame.time, frame.seq)
        if not rank.timely or not is_numbered(SIGFOX, frame.time, frame.seq):
            return
        if self._counts.has_frame(head, frame.time, frame.seq):
            return
        self._flush_if_touched(head)
        self._count(head, rank, self._search.count_up_to(head, rank))
        self._counts.keep_frame(head, frame.time, frame.seq)
        self._write_soon(head)

    def places(self, vehicle: str, time: int, seq: int | None) -> list[int]:
        """The rows of `statuses` with this time and seqNumber of the vehicle; usually one.

        In an open transaction. The rows are written, and may be changed except in the columns that order them.
        """
        head = self._held(vehicle) or self._find_and_hold(vehicle)
        if head is None:
            return []
        self._flush_if_touched(head)
        return self._search.places(head, time, NO_SEQ if seq is None else seq)

    def changing(self, vehicle: str, place: int) -> AbstractContextManager[None]:
        """The fields of a status that `places` found change in this context."""
        return self.derivation.changing(self._heads.get(vehicle), place)

    def _load(self, message: Heard) -> tuple[Heard, RingState]:
        """What was read before its vehicle was merged is the other one's."""
        vehicle = message.vehicle
        head = self._find_and_hold(vehicle)
        if head is None and (into := merged_into(self._db, vehicle)) is not None:
            head, message = self._held(into) or self._find_and_hold(into), replace(message, vehicle=into)
        if head is None:
            self._bounds.require_open(vehicle)
            head = self.create(vehicle, message.received)
            self._heads.hold(vehicle, head, self._touched, self.flush)
        return message, head

    def _held(self, vehicle: str) -> RingState | None:
        return self._heads.find(vehicle, self._touched, self.flush)

    def _find_and_hold(self, vehicle: str) -> RingState | None:
        head = self.find(vehicle)
        if head is not None:
            self._heads.hold(vehicle, head, self._touched, self.flush)
        return head

    def take_moved(self) -> int:
        """How many rows were moved since the last call."""
        moved, self.upkeep.moved = self.upkeep.moved, 0
        return moved + self.derivation.take_written()

    def _settle(self, head: RingState) -> None:
        """Prepare a ring that is more than a circle for a status: evict what must go, and make the circle fit."""
        self._flush_if_touched(head)
        too_many = min(head.total - head.keep, TRIM_AT_ONCE)
        let_go(self._db, self._overflow, head, too_many)
        if head.fit() or too_many > 0:
            write_shape(self._db, head)
        head.settle()

    def _put(self, message: Arrive, head: RingState, rank: Rank, index: int) -> int:
        """Insert a status above the `index` lowest of the circle, or in the overflow; returns the place of its row."""
        if head.plain and rank.timely and ring.shift(head.circle, index) <= self.shift_max:
            return self._insert(message, head, rank, index)
        self._flush_if_touched(head)
        if head.full:
            index = self._make_room(head, index)
        if not rank.timely or self._is_far(head, rank, index):
            place = self._overflow.add(head, rank)
            self._write(message, head, place, rank.seq)
            self._write_shape_now(head)
            return place
        if head.circle.full:
            set_aside(self._db, self._overflow, head)
            index -= 1
        place = self._insert(message, head, rank, index)
        self._write_shape_now(head)
        return place

    def _make_room(self, head: RingState, index: int) -> int:
        """Evict the lowest, or more of a ring that was lowered; returns the index in the circle that remains."""
        kept = head.kept
        let_go(self._db, self._overflow, head, min(head.total - head.keep + 1, TRIM_AT_ONCE))
        return max(index - (kept - head.kept), 0)

    def _write_shape_now(self, head: RingState) -> None:
        write_shape(self._db, head)
        head.settle()

    def _is_far(self, head: RingState, rank: Rank, index: int) -> bool:
        """Whether inserting it would move too many rows, or it ranks above a status of its time in the overflow."""
        if index == head.kept:
            return False
        if head.circle.full and index == 0:
            return True
        return ring.shift(head.circle, index) > self.shift_max or bool(self._overflow.equal(head, rank))

    def _insert(self, message: Arrive, head: RingState, rank: Rank, index: int) -> int:
        """Insert a status into the circle."""
        moves, slot, head.circle = ring.insert(head.circle, index)
        self.upkeep.moved += len(moves)
        for come_from, to in moves:
            self._commit_thread.move(head.base + come_from, head.base + to)
        self._write(message, head, head.base + slot, rank.seq)
        self._write_soon(head)
        return head.base + slot

    def _flush_if_touched(self, head: RingState) -> None:
        if head.number in self._touched:
            self.flush()

    def _write_soon(self, head: RingState) -> None:
        """Write the shape with this group: a reader could not follow the ring from the old one."""
        head.behind = head.slots
        self._touched[head.number] = head

    def _count(self, head: RingState, rank: Rank, index: int, neighbours: Neighbours | None = None) -> None:
        """Count a frame before its status is inserted."""
        tally = head.tally
        if (rank.time, rank.seq) > (tally.time, tally.seq):
            self._counts.follow(head, rank.time, rank.seq)
            return
        self._flush_if_touched(head)
        self._counts.squeeze_in(head, index, rank.time, rank.seq, neighbours)

    def _annotate_arrived(self, message: Arrive, rank: Rank, place: int) -> None:
        key = (message.vehicle, rank.time, rank.seq)
        if key not in self.annotations.waiting:
            return
        self.flush()
        for said in self.annotations.take(key, message.payload):
            with self.changing(message.vehicle, place):
                self.annotations.annotate(place, said)

    def _write(self, message: Arrive, head: RingState, place: int, seq: int) -> None:
        self._commit_thread.put(
            place,
            message.timely,
            message.time,
            seq,
            message.status_id,
            message.received,
            message.connectivity,
            message.payload,
            message.fields,
            message.document,
            message.flags,
            head.activity,
        )
        head.activity = None
        self._touched[head.number] = head

    def _look(self, message: Arrive, head: RingState, rank: Rank) -> FoundInRing:
        """Where a message belongs, searched for."""
        high = self._search.count_up_to(head, rank._replace(timely=True))
        same = self._search.holds(head, rank, high, message.status_id)
        if message.connectivity == SIGFOX and (there := self._search.equal(head, rank, high)):
            twin = self.annotations.twin(message, there[-TIES_MAX:])
            if twin is not None:
                same = True
                with self.changing(message.vehicle, twin):
                    self.annotations.unite(message, twin)
        index = high if rank.timely else 0
        outranked = False
        if rank.timely and head.full:
            above = head.kept - index
            outranked = above + self._overflow.above(head, rank, head.keep - above) >= head.keep
        verdict = ring.judge(rank, newest=head.last, full=head.full, duplicate=same, outranked=outranked)
        return FoundInRing(verdict, index)
