"""Reads what the events engine needs: vehicles, their event memories and their statuses.

Short queries on a read-only connection of their own, which run in the loop as those of `due_pushes` do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evd.model.status import Status
from evd.store.records import GAPS_OF
from evd.store.sqlite.connection import open_reader, translated
from evd.store.sqlite.read.status_rows import COLUMNS, status_of

_VEHICLES = """
SELECT vehicle FROM registrations WHERE vehicle > ?1
UNION SELECT vehicle FROM owners WHERE vehicle > ?1
UNION SELECT vehicle FROM alert_states WHERE vehicle > ?1 AND settings IS NOT NULL
ORDER BY vehicle LIMIT ?2"""
_ALERTS = "SELECT CAST(state AS BLOB), CAST(settings AS BLOB) FROM alert_states WHERE vehicle = ?"
_LAST = f"SELECT {COLUMNS} FROM last WHERE vehicle = ?"  # noqa: S608 (a constant)
# The newest of the circle and of the overflow. The overflow has what came far too late: after a vehicle's clock was
# ahead once, that is every later status.
_NEWEST = """
WITH RECURSIVE back (steps) AS (SELECT 0 UNION ALL SELECT steps + 1 FROM back WHERE steps < ?2 - 1),
newest (id, time, seq, connectivity, payload, fields, received, flags) AS (
    SELECT s.id, s.time, s.seq, s.connectivity, s.payload, s.fields, s.received, s.flags
    FROM capacities AS v JOIN back ON back.steps < v.taken
    JOIN statuses AS s ON s.place = v.number * 1048576 + (v.newest - back.steps + v.slots) % v.slots
    WHERE v.vehicle = ?1 AND s.timely = 1
    UNION ALL
    SELECT s.id, s.time, s.seq, s.connectivity, s.payload, s.fields, s.received, s.flags
    FROM (
        SELECT o.place FROM vehicles AS v JOIN overflow AS o ON o.vehicle = v.number AND o.timely = 1
        WHERE v.vehicle = ?1 AND v.overflow > 0 ORDER BY o.time DESC, o.seq DESC LIMIT ?2) AS o
    JOIN statuses AS s USING (place))
"""
_RECEIVED = f"{_NEWEST} SELECT received FROM newest ORDER BY time DESC, seq DESC LIMIT ?2"  # noqa: S608 (a constant)
_PREVIOUS = f"""{_NEWEST}
SELECT {COLUMNS} FROM newest
WHERE time <= ?3 AND id <> ?4 ORDER BY time DESC, seq DESC LIMIT 1"""  # noqa: S608 (a constant)

PREVIOUS_AMONG = 4
"""Newest statuses that are searched for the one before another: more may have come meanwhile."""


class SqliteEventState:
    """See `evd.store.protocols.EventState`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_reader(path)
        self._db.execute("PRAGMA busy_timeout = 0")  # the loop must not wait

    def vehicles_after(self, vehicle: str, limit: int) -> list[str]:
        return [one for (one,) in self._all(_VEHICLES, (vehicle, limit))]

    def event_settings_of(self, vehicle: str) -> tuple[bytes | None, bytes | None]:
        rows = self._all(_ALERTS, (vehicle,))
        return rows[0] if rows else (None, None)

    def last_of(self, vehicle: str) -> Status | None:
        rows = self._all(_LAST, (vehicle,))
        return status_of(vehicle, rows[0]) if rows else None

    def previous_of(self, vehicle: str, time: int, status_id: str) -> Status | None:
        rows = self._all(_PREVIOUS, (vehicle, PREVIOUS_AMONG, time, status_id))
        return status_of(vehicle, rows[0]) if rows else None

    def received_of(self, vehicle: str) -> list[int]:
        return [received for (received,) in self._all(_RECEIVED, (vehicle, GAPS_OF))]

    def close(self) -> None:
        self._db.close()

    def _all(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        with translated(self._path):
            rows: list[Any] = self._db.execute(sql, values).fetchall()
        return rows
