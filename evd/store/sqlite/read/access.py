"""Queries for keys, owners and registrations."""

from __future__ import annotations

from collections.abc import Collection

import orjson

from evd.model.operations import Relation
from evd.store.records import LISTED_MAX, KeyRow, Listing, OwnerRow, RegistrationRow
from evd.store.sqlite.read.base import Questions, narrowed

_REGISTRATIONS = """
SELECT number, vehicle, token, kind, uid, created, renewed, given_at, attempts, outcome
FROM registrations LEFT JOIN deliveries ON registration = number
WHERE kind IN (SELECT value FROM json_each(?)) AND number > ?"""


class SqliteAccessQueries(Questions):
    """See `evd.store.queries.AccessQueries`."""

    async def relation(self, uid: str, vehicle: str) -> Relation | None:
        sql = "SELECT relation FROM owners WHERE uid = ? AND vehicle = ?"
        found = await self.tuples(sql, (uid, vehicle), small=True)
        return found[0][0] if found else None

    async def keys(self, after: tuple[int, str] = (-1, ""), limit: int = LISTED_MAX) -> Listing[KeyRow]:
        sql = "SELECT id, role, name, vehicle, created, revoked FROM keys WHERE (created, id) > (?, ?)"
        return await self.listing(sql + " ORDER BY created, id LIMIT ?", after, limit, by=("created", "id"))

    async def owners(self, after: tuple[str, str] = ("", ""), limit: int = LISTED_MAX) -> Listing[OwnerRow]:
        sql = "SELECT uid, vehicle, relation, created FROM owners WHERE (uid, vehicle) > (?, ?)"
        return await self.listing(sql + " ORDER BY uid, vehicle LIMIT ?", after, limit, by=("uid", "vehicle"))

    async def registrations(
        self,
        *,
        vehicle: str | None = None,
        uid: str | None = None,
        token: str | None = None,
        kinds: Collection[str],
        after: tuple[int] = (0,),
        limit: int,
    ) -> Listing[RegistrationRow]:
        asked = {"vehicle = ?": vehicle, "uid = ?": uid, "token = ?": token}
        sql, given = narrowed(_REGISTRATIONS, asked, " ORDER BY number LIMIT ?")
        return await self.listing(sql, (orjson.dumps(list(kinds)).decode(), *after, *given), limit, by=("number",))
