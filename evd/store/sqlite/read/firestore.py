"""Queries for what evd read and wrote in Firestore."""

from __future__ import annotations

from collections.abc import Collection

import orjson

from evd.store.records import FirestoreRow, Listing
from evd.store.sqlite.read.base import Questions

_ROWS = """
WITH asked AS MATERIALIZED (
    SELECT uid, vehicle, 1 AS owns FROM owners WHERE relation = 'owner' AND OWNED
    UNION ALL
    SELECT user, car, 0 FROM firestore_statuses WHERE WRITTEN AND NOT EXISTS (
        SELECT 1 FROM owners WHERE uid = user AND vehicle = car AND relation = 'owner')
    ORDER BY uid, vehicle LIMIT ?)
SELECT a.uid, a.vehicle, a.owns, s.status, f.profile AS known, p.name, p.reg_number AS regNumber,
       p.max_voltage AS maxVoltage
FROM asked AS a
LEFT JOIN firestore_statuses AS s ON s.user = a.uid AND s.car = a.vehicle
LEFT JOIN firestore_vehicles AS f ON f.uid = a.uid AND f.vehicle = a.vehicle
LEFT JOIN vehicle_profiles AS p ON p.vehicle = a.vehicle
ORDER BY a.uid, a.vehicle"""

_AFTER = {"OWNED": "(uid, vehicle) > (?, ?)", "WRITTEN": "(user, car) > (?, ?)"}
_NAMED = {"OWNED": "vehicle IN (SELECT value FROM json_each(?))", "WRITTEN": "car IN (SELECT value FROM json_each(?))"}

_USERS = "SELECT DISTINCT uid FROM firestore_vehicles WHERE listed = 1 AND uid > ? ORDER BY uid LIMIT ?"


class SqliteFirestoreQueries(Questions):
    """See `evd.store.queries.FirestoreQueries`."""

    async def firestore_rows(
        self, vehicles: Collection[str] | None = None, after: tuple[str, str] = ("", ""), *, limit: int
    ) -> Listing[FirestoreRow]:
        conditions, sql = dict(_AFTER), _ROWS
        values: tuple[str, ...] = after
        if vehicles is not None:
            named = orjson.dumps(sorted(vehicles)).decode()
            conditions = {part: f"{conditions[part]} AND {_NAMED[part]}" for part in conditions}
            values = (*after, named)
        for part, condition in conditions.items():
            sql = sql.replace(part, condition)
        return await self.listing(sql, (*values, *values), limit, by=("uid", "vehicle"))

    async def firestore_users(self, after: str = "", *, limit: int) -> list[str]:
        return [uid for (uid,) in await self.tuples(_USERS, (after, limit))]
