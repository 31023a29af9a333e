"""What is asked of events, in SQL: what happened to vehicles, how alerts are set, and what users prefer.

Rows are dicts; times are epoch ms.
"""

from __future__ import annotations

from typing import Any

import orjson

from evd.store.sqlite.read.statuses import Listing, Queries

_EVENTS = """
SELECT number, vehicle, kind, time, status_id, created, details, samples FROM events
WHERE number < ?1 AND (?2 IS NULL OR kind = ?2)"""
_OF_VEHICLE = " AND vehicle = ?3"
_OF_USER = " AND vehicle IN (SELECT vehicle FROM owners WHERE uid = ?3)"
_NEWEST = " ORDER BY number DESC LIMIT ?"

# A vehicle that has an owner may be set up before it was ever heard.
_ALERTS = """
SELECT v.vehicle, CAST(a.settings AS BLOB) AS settings
FROM (SELECT vehicle FROM vehicles WHERE vehicle = ?1 UNION SELECT vehicle FROM owners WHERE vehicle = ?1) AS v
LEFT JOIN alert_states AS a USING (vehicle)"""
_PREFERENCES = "SELECT CAST(settings AS BLOB) AS settings FROM preferences WHERE uid = ?"


async def events(
    queries: Queries,
    *,
    before: int,
    limit: int,
    kind: str | None = None,
    vehicle: str | None = None,
    uid: str | None = None,
) -> Listing:
    """With a number below `before`, the newest first: of one vehicle, of a user's vehicles, or of all."""
    sql: str = _EVENTS
    values: tuple[Any, ...] = (before, kind)
    if vehicle is not None:
        sql, values = sql + _OF_VEHICLE, (*values, vehicle)
    elif uid is not None:
        sql, values = sql + _OF_USER, (*values, uid)
    found = await queries.listing(sql + _NEWEST, values, limit, by=("number",))
    return found._replace(rows=list(map(_event, found.rows)))


def _event(row: dict[str, Any]) -> dict[str, Any]:
    return row | {name: orjson.loads(row[name]) for name in ("details", "samples")}


async def alerts_of(queries: Queries, vehicle: str) -> tuple[bool, bytes | None]:
    """Whether the vehicle is known, and how alerts are set for it."""
    rows = await queries.rows(_ALERTS, (vehicle,), small=True)
    return (True, rows[0]["settings"]) if rows else (False, None)


async def preferences_of(queries: Queries, uid: str) -> bytes | None:
    rows = await queries.rows(_PREFERENCES, (uid,), small=True)
    return rows[0]["settings"] if rows else None
