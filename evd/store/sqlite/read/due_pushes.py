"""Reads the pushes that are due, by short queries on a read-only connection of their own.

They run in the loop: each takes some microseconds, and a change of threads costs more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from evd.model.operations import EventDue, Registration
from evd.model.status import Status
from evd.store.sqlite.connection import open_reader, translated
from evd.store.sqlite.read.status_rows import COLUMNS, status_of

#: Whether the user may only look at the vehicle. A target that is no user's is the administrator's.
_VIEWER = "EXISTS (SELECT 1 FROM owners WHERE uid = r.uid AND vehicle = r.vehicle AND relation = 'viewer')"
_PHONE = f"""
SELECT r.number, r.vehicle, r.token, r.kind, r.spelling, r.uid, r.renewed, d.given, d.due, d.attempts, r.client,
       {_VIEWER}
FROM registrations AS r JOIN deliveries AS d ON d.registration = r.number
"""  # noqa: S608 (constants)
_OF_VEHICLE = f"{_PHONE} WHERE r.vehicle = ? AND instr(?, ' ' || r.kind || ' ')"
_AFTER = f"{_PHONE} WHERE r.number > ? AND instr(?, ' ' || r.kind || ' ') ORDER BY r.number LIMIT ?"
_DUE = f"""
SELECT r.number, r.vehicle, r.token, r.kind, r.spelling, r.uid, r.renewed, d.given, d.due, d.attempts, r.client,
       {_VIEWER}
FROM deliveries AS d JOIN registrations AS r ON r.number = d.registration
WHERE d.due <= ? AND instr(?, ' ' || r.kind || ' ') ORDER BY d.due LIMIT ?"""  # noqa: S608
_EVENTS = f"""
SELECT o.number, o.event, e.kind, e.time, e.status_id, CAST(e.details AS BLOB), o.expires, o.attempts,
       r.number, r.vehicle, r.token, r.kind, r.spelling, r.uid, r.renewed, '', o.due, o.attempts, r.client,
       {_VIEWER}, CAST(p.settings AS BLOB)
FROM outbox AS o
JOIN events AS e ON e.number = o.event
JOIN registrations AS r ON r.number = o.registration
LEFT JOIN preferences AS p ON p.uid = r.uid
WHERE o.due <= ? AND instr(?, ' ' || r.kind || ' ') ORDER BY o.due, o.number LIMIT ?"""  # noqa: S608
_LAST = f"""
SELECT {COLUMNS} FROM last
WHERE vehicle = ?"""  # noqa: S608 (a constant)
_NEXT = """
SELECT min(due) FROM (
    SELECT min(due) AS due FROM deliveries WHERE due > ?1 UNION ALL SELECT min(due) FROM outbox WHERE due > ?1)"""
_BEYOND = """
SELECT EXISTS (SELECT 1 FROM deliveries WHERE due > ?1)
    OR EXISTS (SELECT 1 FROM outbox WHERE due > ?1 AND attempts > 0)"""
_VEHICLES = """
SELECT v.vehicle, EXISTS (
    SELECT 1 FROM registrations AS r WHERE r.vehicle = v.vehicle AND instr(?, ' ' || r.kind || ' '))
FROM vehicles AS v WHERE v.vehicle > ? ORDER BY v.vehicle LIMIT ?"""
_PAUSED = "SELECT value FROM meta WHERE name = 'pushes_paused'"


class SqliteDuePushes:
    """See `evd.store.protocols.DuePushes`; for these `kinds`. Raises StoreError if the database cannot be read."""

    def __init__(self, path: Path, kinds: Iterable[str]) -> None:
        self._path = path
        self._kinds = f" {' '.join(kinds)} "
        self._db = open_reader(path)
        self._db.execute("PRAGMA busy_timeout = 0")  # the loop must not wait

    def registrations_of(self, vehicle: str) -> list[Registration]:
        return [Registration(*row) for row in self._all(_OF_VEHICLE, (vehicle, self._kinds))]

    def registrations_after(self, number: int, limit: int) -> list[Registration]:
        return [Registration(*row) for row in self._all(_AFTER, (number, self._kinds, limit))]

    def registrations_due(self, now: int, limit: int) -> list[Registration]:
        return [Registration(*row) for row in self._all(_DUE, (now, self._kinds, limit))]

    def events_due(self, now: int, limit: int) -> list[EventDue]:
        return [_event(row) for row in self._all(_EVENTS, (now, self._kinds, limit))]

    def last_of(self, vehicle: str) -> Status | None:
        rows = self._all(_LAST, (vehicle,))
        return status_of(vehicle, rows[0]) if rows else None

    def next_due(self, now: int) -> int | None:
        due: int | None = self._all(_NEXT, (now,))[0][0]
        return due

    def put_off_beyond(self, at: int) -> bool:
        return bool(self._all(_BEYOND, (at,))[0][0])

    def vehicles_after(self, vehicle: str, limit: int) -> list[tuple[str, bool]]:
        return [(one, bool(has)) for one, has in self._all(_VEHICLES, (self._kinds, vehicle, limit))]

    def vehicles(self) -> Iterator[str]:
        """Every vehicle that has a registration; some more than once."""
        with translated(self._path):
            for (vehicle,) in self._db.execute("SELECT vehicle FROM registrations"):
                yield vehicle

    def paused_since(self) -> int:
        rows = self._all(_PAUSED, ())
        return rows[0][0] if rows else 0

    def close(self) -> None:
        self._db.close()

    def _all(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        with translated(self._path):
            rows: list[Any] = self._db.execute(sql, values).fetchall()
        return rows


def _event(row: tuple[Any, ...]) -> EventDue:
    number, event, kind, time, status_id, details, expires, attempts, *registration, settings = row
    return EventDue(
        number, event, kind, time, status_id, details, expires, attempts, Registration(*registration), settings
    )
