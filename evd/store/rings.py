"""The rings in SQLite: what a group of arrivals does to `vehicles` and `statuses`.

Who stays, and in which slot, is decided by evd.ring; here is how it is found out and done. What is newer than its
vehicle's last status is in no ring yet, so it needs no look-up: such rows are gathered and written in one go, over the
ones that fall out. Anything else looks first.
"""

from __future__ import annotations

from typing import Any

from evd import ring
from evd.ring import Circle, Rank, Verdict
from evd.sequence import NOT_COUNTED, SEQ_MAX, Tally
from evd.status import AHEAD_MS, SIGFOX
from evd.store import Arrive, LimitReached, UnknownVehicle
from evd.store.annotations import NO_SEQ, Annotations
from evd.store.counts import Counts, is_numbered
from evd.store.head import Head
from evd.store.layout import resize, write_shape
from evd.store.network import Frame
from evd.store.scribe import Scribe

HEADS_MAX = 262_144
"""Vehicles whose ring's shape stays in memory, about 400 bytes each; others are read when they speak."""

SHAPE_EVERY = 8
"""With every eighth status in order a ring's shape is written; for the others, a page less goes into the log.
Whoever reads walks on from the written shape, which is exact while fewer have followed than the ring has slots."""

_MOVE = "UPDATE OR REPLACE statuses SET place = ? WHERE place = ?"
_RANK = "SELECT timely, time, seq, id FROM statuses WHERE place = ?"
_PLACES = ",".join("?" * (SHAPE_EVERY + 1))
_RANKS = f"SELECT place, timely, time, seq, connectivity FROM statuses WHERE place IN ({_PLACES})"  # noqa: S608 (a constant)
_FIND = """
SELECT number, coalesce(keep, ?), slots, kept, newest, counted, counted_seq, received, lost, resets
FROM vehicles WHERE vehicle = ?"""
_WRONG_SIZE = """
SELECT number, vehicle FROM vehicles WHERE number >= ?2 AND slots <> coalesce(keep, ?1) ORDER BY number LIMIT 1"""


class Rings:
    """All vehicles' rings on one writing connection, inside the caller's transaction.

    What is written is gathered by the `scribe`; `gather` must follow before it is started. `capacity` is the number of
    statuses a vehicle keeps unless it has a number of its own.
    """

    def __init__(
        self, connection: Any, scribe: Scribe, *, capacity: int, create_unknown: bool, vehicles_max: int
    ) -> None:
        self._db = connection
        self._scribe = scribe
        self._capacity = capacity
        self._create_unknown = create_unknown
        self._vehicles_max = vehicles_max
        (self._vehicles,) = connection.execute("SELECT count(*) FROM vehicles").fetchone()
        self._heads: dict[str, Head] = {}
        self._touched: dict[int, Head] = {}
        """Whose rows are gathered."""
        self._moved = 0
        self._counts = Counts(connection)
        self.annotations = Annotations(connection)
        self._waiting = self.annotations.waiting
        self._resize_from: int | None = 0
        """The vehicle from which on a ring may have another size than its settings say; None: none has."""

    @property
    def to_resize(self) -> bool:
        """Whether `resize_step` may find something to do."""
        return self._resize_from is not None

    def append(self, message: Arrive) -> bool:
        """Take in a status that is newer than all of its ring, which needs no statement and no transaction yet.

        False: it is another one, or its vehicle's head is not in memory; nothing was done, `arrive` is to be asked.
        """
        head = self._heads.get(message.vehicle)
        if head is None or not message.timely or not head.kept:
            return False
        time, seq = message.time, message.seq
        if seq is None:
            seq = NO_SEQ
        if self._waiting and (message.vehicle, time, seq) in self._waiting:
            return False
        tally = None
        if message.connectivity == SIGFOX and 0 <= seq <= SEQ_MAX:
            tally = head.tally
            if not tally.time < time < tally.midnight:  # once a day, and where a frame that is no status is newer
                return False
        slot = head.append(time, seq)
        if slot < 0:
            return False
        if tally is not None:
            tally.add(time, seq)
        head.behind += 1
        self._write(message, head, slot, seq)
        return True

    def arrive(self, message: Arrive) -> Verdict:
        """Take in one status, in an open transaction. Raises UnknownVehicle, LimitReached."""
        head = self._heads.get(message.vehicle) or self._load(message)
        rank = Rank(message.timely, message.time, NO_SEQ if message.seq is None else message.seq)
        if ring.needs_look(rank, head.last, ahead=head.ahead):
            if head.number in self._touched:
                self.flush()
            verdict, index = self._look(message, head, rank)
        else:
            verdict, index = Verdict.NEWEST, head.kept
        if verdict.kept:
            if rank.timely and is_numbered(message.connectivity, rank.time, rank.seq):
                self._count(head, rank)
            place = self._put(message, head, rank, index)
            if verdict is Verdict.NEWEST:
                head.last = rank
            elif verdict is Verdict.AHEAD:
                head.ahead = True
            self._annotate_arrived(message, rank, place)
        elif verdict is not Verdict.DUPLICATE:
            self._db.execute("UPDATE vehicles SET too_old = too_old + 1 WHERE number = ?", (head.number,))
        return verdict

    def gather(self) -> None:
        """Give the scribe the shapes of the rings that changed much."""
        for head in self._touched.values():
            if head.behind >= SHAPE_EVERY or head.behind >= head.slots:
                self._scribe.shape(head.number, head.kept, head.newest, *head.tally.numbers)
                head.behind = 0
        self._touched.clear()

    def flush(self) -> None:
        """Write what was gathered, for what is looked up next."""
        self.gather()
        self._scribe.flush()

    def forget(self) -> None:
        """The transaction was rolled back: what memory says is no longer true."""
        self._heads.clear()
        self._touched.clear()
        self._scribe.drop()
        self.annotations.forget()
        self._resize_from = 0
        (self._vehicles,) = self._db.execute("SELECT count(*) FROM vehicles").fetchone()

    def find(self, vehicle: str) -> Head | None:
        """The head of a known vehicle; its ring takes the size its settings say, if it has another one yet."""
        row = self._db.execute(_FIND, (self._capacity, vehicle)).fetchone()
        if row is None:
            return None
        number, capacity, slots, kept, newest, *tally = row
        head = Head(number, Circle(slots, kept, newest), Tally(*tally))
        if head.kept:
            self._walk_on(head)
        if head.tally.time == NOT_COUNTED:
            self._counts.recount(head)
            write_shape(self._db, head)
        if head.slots != capacity:
            self._moved += head.kept
            resize(self._db, head, capacity)
        return head

    def known(self, vehicle: str) -> bool:
        return self._db.execute("SELECT 1 FROM vehicles WHERE vehicle = ?", (vehicle,)).fetchone() is not None

    def refuses(self, vehicle: str) -> bool:
        """Whether a status of this vehicle cannot be taken in."""
        closed = not self._create_unknown or self._vehicles >= self._vehicles_max
        return closed and not self.known(vehicle)

    def create(self, vehicle: str, at: int) -> Head:
        """A row for a vehicle heard or named for the first time."""
        if self._vehicles >= self._vehicles_max:
            raise LimitReached(f"{self._vehicles} vehicles are known: raise ingest.vehicles_max to take in more")
        cursor = self._db.execute(
            "INSERT INTO vehicles (vehicle, slots, created) VALUES (?, ?, ?)", (vehicle, self._capacity, at)
        )
        self._vehicles += 1
        return Head(cursor.lastrowid, Circle(self._capacity), Tally())

    def settings_changed(self, vehicle: str) -> None:
        """Read the vehicle's settings again when it speaks; its ring may have to change its size."""
        self.flush()
        self._heads.pop(vehicle, None)
        self._resize_from = 0

    def resize_step(self) -> None:
        """Give one ring the size that its settings say."""
        wrong = self._db.execute(_WRONG_SIZE, (self._capacity, self._resize_from)).fetchone()
        if wrong is None:
            self._resize_from = None
            return
        number, vehicle = wrong
        self.find(vehicle)
        self._heads.pop(vehicle, None)
        self._resize_from = number

    def count_frame(self, frame: Frame) -> None:
        """Count a frame that is no status, in an open transaction. Raises UnknownVehicle, LimitReached.

        One whose time lies in the future is not counted: it would make all that follow late ones.
        """
        head = self._heads.get(frame.vehicle) or self._load(frame)
        rank = Rank(frame.time <= frame.received + AHEAD_MS, frame.time, frame.seq)
        if not rank.timely or not is_numbered(SIGFOX, frame.time, frame.seq):
            return
        if self._counts.has_frame(head, frame.time, frame.seq):
            return
        self._count(head, rank)
        self._counts.keep_frame(head, frame.time, frame.seq)
        self._write_soon(head)

    def places(self, vehicle: str, time: int, seq: int | None) -> list[int]:
        """The rows of `statuses` where the vehicle's statuses of this time and seqNumber stand: mostly one.

        In an open transaction. They are written, and may be changed but for what their order hangs on.
        """
        head = self._heads.get(vehicle) or self._find_and_hold(vehicle)
        if head is None:
            return []
        if head.number in self._touched:
            self.flush()
        places = []
        for timely in (True, False) if head.ahead else (True,):
            rank = Rank(timely, time, NO_SEQ if seq is None else seq)
            index = self._count_up_to(head, rank)
            while index > 0 and self._at(head, index - 1)[0] == rank:
                index -= 1
                places.append(head.base + head.circle.slot(index))
        return places

    def _load(self, message: Arrive | Frame) -> Head:
        head = self._find_and_hold(message.vehicle)
        if head is None:
            if not self._create_unknown:
                raise UnknownVehicle(
                    f"vehicle {message.vehicle} is not known: add it with `evd vehicle set {message.vehicle}`, "
                    "or set ingest.unknown_vehicle to create"
                )
            head = self.create(message.vehicle, message.received)
            self._hold(message.vehicle, head)
        return head

    def _find_and_hold(self, vehicle: str) -> Head | None:
        head = self.find(vehicle)
        if head is not None:
            self._hold(vehicle, head)
        return head

    def _hold(self, vehicle: str, head: Head) -> None:
        if len(self._heads) >= HEADS_MAX:
            self.flush()
            del self._heads[next(iter(self._heads))]
        self._heads[vehicle] = head

    def take_moved(self) -> int:
        """How many rows were moved since it was asked last."""
        moved, self._moved = self._moved, 0
        return moved

    def _put(self, message: Arrive, head: Head, rank: Rank, index: int) -> int:
        """Let it in behind the `index` lowest ones; the place of its row."""
        moves, slot, head.circle = ring.insert(head.circle, index)
        self._moved += len(moves)
        if moves:
            self._db.executemany(_MOVE, [(head.base + to, head.base + come_from) for come_from, to in moves])
        self._write(message, head, slot, rank.seq)
        self._write_soon(head)
        return head.base + slot

    def _write_soon(self, head: Head) -> None:
        """Have the shape written with the group: from the old one nobody could walk to how things stand."""
        head.behind = head.slots
        self._touched[head.number] = head

    def _count(self, head: Head, rank: Rank) -> None:
        """Count a frame before it is let in."""
        tally = head.tally
        if (rank.time, rank.seq) > (tally.time, tally.seq):
            self._counts.follow(head, rank.time, rank.seq)
            return
        if head.number in self._touched:
            self.flush()
        self._counts.squeeze_in(head, self._count_up_to(head, rank), rank.time, rank.seq)

    def _annotate_arrived(self, message: Arrive, rank: Rank, place: int) -> None:
        key = (message.vehicle, rank.time, rank.seq)
        if key not in self._waiting:
            return
        self.flush()
        for said in self.annotations.take(key, message.payload):
            self.annotations.annotate(place, said)

    def _walk_on(self, head: Head) -> None:
        """From a ring's shape as it was written to how it stands: a status in order ranks above the one before it."""
        ranks, tally = self._ranks(head), head.tally
        highest, _ = ranks[head.base + head.newest]
        while True:
            following = (head.newest + 1) % head.slots
            rank, connectivity = ranks.get(head.base + following, (None, 0))
            if rank is None or rank <= highest:
                break
            if is_numbered(connectivity, rank.time, rank.seq) and tally.time < rank.time < tally.midnight:
                tally.add(rank.time, rank.seq)
            head.circle, highest = Circle(head.slots, min(head.kept + 1, head.slots), following), rank
            head.behind += 1
        head.last = highest if highest.timely else None
        lowest = rank if head.circle.full and rank is not None else self._at(head, 0)[0]
        head.ahead = not lowest.timely

    def _ranks(self, head: Head) -> dict[int, tuple[Rank, int]]:
        """Place → rank and channel of the status in the newest slot that was written down, and of those behind it."""
        places = [head.base + (head.newest + steps) % head.slots for steps in range(SHAPE_EVERY + 1)]
        rows = self._db.execute(_RANKS, places).fetchall()
        return {place: (Rank(bool(timely), time, seq), channel) for place, timely, time, seq, channel in rows}

    def _write(self, message: Arrive, head: Head, slot: int, seq: int) -> None:
        self._scribe.put(
            head.base + slot,
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
        )
        self._touched[head.number] = head

    def _look(self, message: Arrive, head: Head, rank: Rank) -> tuple[Verdict, int]:
        """The verdict, and how many statuses of the ring rank no higher."""
        index = self._count_up_to(head, rank)
        other = rank._replace(timely=not rank.timely)
        same = self._holds(head, rank, index, message.status_id) or (
            (head.ahead or not rank.timely)
            and self._holds(head, other, self._count_up_to(head, other), message.status_id)
        )
        full = head.circle.full
        oldest = self._at(head, 0)[0] if full and not index else None  # else it is no lower than this one
        verdict = ring.judge(rank, newest=head.last, full=full, duplicate=same, oldest=oldest)
        return verdict, index

    def _count_up_to(self, head: Head, rank: Rank) -> int:
        """How many statuses rank no higher; the search begins at the newest, for what is late is seldom much so."""
        high, step = head.kept, 1
        if head.last is not None:
            if rank >= head.last:
                return high
            high -= 1
        low = 0
        while low < high:
            probe = max(high - step, 0)
            if self._at(head, probe)[0] <= rank:
                low = probe + 1
                break
            high, step = probe, step * 2
        while low < high:
            middle = (low + high) // 2
            if self._at(head, middle)[0] <= rank:
                low = middle + 1
            else:
                high = middle
        return low

    def _holds(self, head: Head, rank: Rank, index: int, status_id: str) -> bool:
        """Whether the status is among those of this very rank, the last of which stands before `index`."""
        while index > 0:
            index -= 1
            found, found_id = self._at(head, index)
            if found != rank:
                return False
            if found_id == status_id:
                return True
        return False

    def _at(self, head: Head, index: int) -> tuple[Rank, str]:
        place = head.base + head.circle.slot(index)
        timely, time, seq, status_id = self._db.execute(_RANK, (place,)).fetchone()
        return Rank(bool(timely), time, seq), status_id
