"""The rings in SQLite: what a group of arrivals does to `vehicles` and `statuses`.

Who stays is decided by evd.ring; here is how it is found out and done. What is newer than its vehicle's last status is
in no ring yet, so it needs no look-up: such rows are gathered and written in one go. Anything else looks first.
"""

from __future__ import annotations

from typing import Any

from evd import ring
from evd.ring import Place, Rank, Verdict
from evd.store import Arrive, LimitReached, UnknownVehicle

HEADS_MAX = 262_144
"""Vehicles whose last rank and count stay in memory, about 300 bytes each; others are read when they speak."""

TRIM_STEP_ROWS = 2_000
"""Rows one tidying step takes from an over-full ring: a few ms, during which callbacks wait."""

_INSERT = """
INSERT INTO statuses (vehicle, timely, time, seq, arrival, id, received, connectivity, payload, fields, document, flags)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?)"""
_TRIM = """
DELETE FROM statuses WHERE (vehicle, timely, time, seq, arrival) IN (
    SELECT vehicle, timely, time, seq, arrival FROM statuses WHERE vehicle = ?
    ORDER BY timely, time, seq, arrival LIMIT ?)"""
_SAME = "SELECT 1 FROM statuses WHERE vehicle = ? AND timely IN (0, 1) AND time = ? AND seq = ? AND id = ?"
_AHEAD = "SELECT EXISTS (SELECT 1 FROM statuses WHERE vehicle = ? AND timely = 0)"
_NEWEST = """
SELECT time, seq FROM statuses WHERE vehicle = ? AND timely = 1 ORDER BY time DESC, seq DESC, arrival DESC LIMIT 1"""
_OLDEST = """
SELECT timely, time, seq FROM statuses WHERE vehicle = ? ORDER BY timely, time, seq, arrival LIMIT 1 OFFSET ?"""
_OVER_FULL = """
SELECT number, vehicle, kept - coalesce(keep, ?1) FROM vehicles WHERE number >= ?2 AND kept > coalesce(keep, ?1)
ORDER BY number LIMIT 1"""


class Head:
    """What is known of a vehicle's ring without looking into it."""

    __slots__ = ("ahead", "capacity", "kept", "newest", "number", "saved")

    def __init__(self, number: int, capacity: int, kept: int, newest: Rank | None, *, ahead: bool) -> None:
        self.number = number
        self.capacity = capacity
        self.kept = kept
        self.saved = kept
        """`kept` as the table has it."""
        self.newest = newest
        self.ahead = ahead
        """Whether the ring may hold statuses whose time lay in the future."""


class Rings:
    """All vehicles' rings on one writing connection, inside the caller's transaction.

    `capacity` is the number of statuses a vehicle keeps unless it has a number of its own.
    """

    def __init__(self, connection: Any, *, capacity: int, create_unknown: bool, vehicles_max: int, epoch: int) -> None:
        self._db = connection
        self._capacity = capacity
        self._create_unknown = create_unknown
        self._vehicles_max = vehicles_max
        (self._vehicles,) = connection.execute("SELECT count(*) FROM vehicles").fetchone()
        # Arrivals count on across restarts without a row that each commit would have to rewrite.
        self._arrival = epoch << 40
        self._heads: dict[str, Head] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._trims: list[tuple[int, int]] = []
        self._touched: dict[int, Head] = {}
        self._trim_from: int | None = 0
        """The vehicle from which on a ring may hold more than it may; None: none does."""

    @property
    def over_full(self) -> bool:
        """Whether `trim_step` may find something to do."""
        return self._trim_from is not None

    def arrive(self, message: Arrive) -> Verdict:
        """Take in one status. `flush` must follow before the commit. Raises UnknownVehicle, LimitReached."""
        head = self._heads.get(message.vehicle) or self._load(message)
        seq = -1 if message.seq is None else message.seq
        rank = Rank(message.timely, message.time, seq)
        if ring.needs_look(rank, head.newest, ahead=head.ahead):
            self.flush()
            placed = self._look(message, head, rank)
        else:
            placed = ring.place(rank, newest=head.newest, kept=head.kept, capacity=head.capacity)
        self._keep(message, head, rank, placed)
        return placed.verdict

    def flush(self) -> None:
        """Write what was gathered."""
        if self._rows:
            self._db.executemany(_INSERT, self._rows)
            self._rows.clear()
        if self._trims:
            self._db.executemany(_TRIM, self._trims)
            self._trims.clear()
        if self._touched:
            self._db.executemany(
                "UPDATE vehicles SET kept = ? WHERE number = ?",
                [(head.kept, number) for number, head in self._touched.items() if head.kept != head.saved],
            )
            for head in self._touched.values():
                head.saved = head.kept
            self._touched.clear()

    def forget(self) -> None:
        """The transaction was rolled back: what memory says is no longer true."""
        self._heads.clear()
        self._rows.clear()
        self._trims.clear()
        self._touched.clear()
        self._trim_from = 0
        (self._vehicles,) = self._db.execute("SELECT count(*) FROM vehicles").fetchone()

    def find(self, vehicle: str) -> Head | None:
        """The head of a known vehicle."""
        row = self._db.execute("SELECT number, keep, kept FROM vehicles WHERE vehicle = ?", (vehicle,)).fetchone()
        if row is None:
            return None
        number, keep, kept = row
        newest = self._db.execute(_NEWEST, (number,)).fetchone()
        (ahead,) = self._db.execute(_AHEAD, (number,)).fetchone()
        return Head(number, keep or self._capacity, kept, Rank(True, *newest) if newest else None, ahead=bool(ahead))

    def create(self, vehicle: str, at: int) -> Head:
        """A row for a vehicle heard or named for the first time."""
        if self._vehicles >= self._vehicles_max:
            raise LimitReached(f"{self._vehicles} vehicles are known: raise ingest.vehicles_max to take in more")
        cursor = self._db.execute("INSERT INTO vehicles (vehicle, created) VALUES (?, ?)", (vehicle, at))
        self._vehicles += 1
        return Head(cursor.lastrowid, self._capacity, 0, None, ahead=False)

    def settings_changed(self, vehicle: str) -> None:
        """Read the vehicle's settings again when it speaks; its ring may be over-full by them."""
        self.flush()
        self._heads.pop(vehicle, None)
        self._trim_from = 0

    def trim_step(self) -> None:
        """Shrink one ring that holds more than it may (N was lowered) by a bounded step."""
        over = self._db.execute(_OVER_FULL, (self._capacity, self._trim_from)).fetchone()
        if over is None:
            self._trim_from = None
            return
        number, vehicle, excess = over
        gone = self._db.execute(_TRIM, (number, min(excess, TRIM_STEP_ROWS))).rowcount
        # A ring with fewer rows than it counts would be tried for ever.
        self._db.execute("UPDATE vehicles SET kept = kept - ? WHERE number = ?", (gone or excess, number))
        self._heads.pop(vehicle, None)
        self._trim_from = number

    def _load(self, message: Arrive) -> Head:
        head = self.find(message.vehicle)
        if head is None:
            if not self._create_unknown:
                raise UnknownVehicle(
                    f"vehicle {message.vehicle} is not known: add it with `evd vehicle set {message.vehicle}`, "
                    "or set ingest.unknown_vehicle to create"
                )
            head = self.create(message.vehicle, message.received)
        if len(self._heads) >= HEADS_MAX:
            self.flush()
            del self._heads[next(iter(self._heads))]
        self._heads[message.vehicle] = head
        return head

    def _look(self, message: Arrive, head: Head, rank: Rank) -> Place:
        same = self._db.execute(_SAME, (head.number, rank.time, rank.seq, message.status_id)).fetchone()
        beyond = head.kept - head.capacity
        oldest = self._db.execute(_OLDEST, (head.number, beyond)).fetchone() if beyond >= 0 else None
        return ring.place(
            rank,
            newest=head.newest,
            kept=head.kept,
            capacity=head.capacity,
            duplicate=same is not None,
            oldest=Rank(bool(oldest[0]), oldest[1], oldest[2]) if oldest else None,
        )

    def _keep(self, message: Arrive, head: Head, rank: Rank, placed: Place) -> None:
        if not placed.verdict.kept:
            if placed.verdict is not Verdict.DUPLICATE:
                self._db.execute("UPDATE vehicles SET too_old = too_old + 1 WHERE number = ?", (head.number,))
            return
        self._arrival += 1
        self._rows.append(
            (
                *(head.number, rank.timely, rank.time, rank.seq, self._arrival, message.status_id, message.received),
                *(message.connectivity, message.payload, message.fields, message.document, message.flags),
            )
        )
        if placed.trim:
            self._trims.append((head.number, placed.trim))
        if placed.trim != 1:
            head.kept += 1 - placed.trim
            self._touched[head.number] = head
        if placed.verdict is Verdict.NEWEST:
            head.newest = rank
        elif placed.verdict is Verdict.AHEAD:
            head.ahead = True
