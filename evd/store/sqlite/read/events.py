"""Queries for events, event settings and users' preferences."""

from __future__ import annotations

from typing import Any

import orjson

from evd.store.records import EventRow, Listing
from evd.store.sqlite.read.base import Questions

_EVENTS = """
SELECT number, vehicle, kind, time, status_id, created, details, samples FROM events
WHERE number < ?1 AND (?2 IS NULL OR kind = ?2)"""
_OF_VEHICLE = " AND vehicle = ?3"
_OF_USER = " AND vehicle IN (SELECT vehicle FROM owners WHERE uid = ?3)"
_NEWEST = " ORDER BY number DESC LIMIT ?"

# A vehicle with an owner may be set up before its first message.
_ALERTS = """
SELECT CAST(a.settings AS BLOB)
FROM (SELECT vehicle FROM vehicles WHERE vehicle = ?1 UNION SELECT vehicle FROM owners WHERE vehicle = ?1) AS v
LEFT JOIN alert_states AS a USING (vehicle)"""
_PREFERENCES = "SELECT CAST(settings AS BLOB) FROM preferences WHERE uid = ?"


class SqliteEventQueries(Questions):
    """See `evd.store.queries.EventQueries`."""

    async def events(
        self,
        *,
        before: int,
        limit: int,
        kind: str | None = None,
        vehicle: str | None = None,
        uid: str | None = None,
    ) -> Listing[EventRow]:
        sql: str = _EVENTS
        values: tuple[Any, ...] = (before, kind)
        if vehicle is not None:
            sql, values = sql + _OF_VEHICLE, (*values, vehicle)
        elif uid is not None:
            sql, values = sql + _OF_USER, (*values, uid)
        found = await self.listing(sql + _NEWEST, values, limit, by=("number",))
        return found._replace(rows=list(map(_event, found.rows)))

    async def event_settings_of(self, vehicle: str) -> tuple[bool, bytes | None]:
        rows = await self.tuples(_ALERTS, (vehicle,), small=True)
        return (True, rows[0][0]) if rows else (False, None)

    async def preferences_of(self, uid: str) -> bytes | None:
        rows = await self.tuples(_PREFERENCES, (uid,), small=True)
        return rows[0][0] if rows else None


def _event(row: Any) -> EventRow:
    event: EventRow = row | {name: orjson.loads(row[name]) for name in ("details", "samples")}
    return event
