"""Queries for owners and phones that move out."""

from __future__ import annotations

from collections.abc import Collection

import orjson

from evd.store.records import Listing, MovedOwnerRow, MovedRegistrationRow
from evd.store.sqlite.read.base import Questions, narrowed

_OWNERS = "SELECT uid, vehicle, created, relation, imported FROM owners WHERE (uid, vehicle) > (?, ?)"
_PHONES = """
SELECT number, vehicle, spelling, token, kind, uid, created, renewed, imported FROM registrations
WHERE kind IN (SELECT value FROM json_each(?)) AND number > ?"""


class SqliteMovingQueries(Questions):
    """See `evd.store.queries.MovingQueries`."""

    async def moved_owners(
        self, *, vehicle: str | None = None, after: tuple[str, str] = ("", ""), limit: int
    ) -> Listing[MovedOwnerRow]:
        sql, given = narrowed(_OWNERS, {"vehicle = ?": vehicle}, " ORDER BY uid, vehicle LIMIT ?")
        return await self.listing(sql, (*after, *given), limit, by=("uid", "vehicle"))

    async def moved_registrations(
        self, *, vehicle: str | None = None, kinds: Collection[str], after: tuple[int] = (0,), limit: int
    ) -> Listing[MovedRegistrationRow]:
        sql, given = narrowed(_PHONES, {"vehicle = ?": vehicle}, " ORDER BY number LIMIT ?")
        return await self.listing(sql, (orjson.dumps(list(kinds)).decode(), *after, *given), limit, by=("number",))
