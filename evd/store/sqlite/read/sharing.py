"""Queries for invitations, those who may see a vehicle, and tags."""

from __future__ import annotations

from evd.store.records import LISTED_MAX, IgnoredRow, InvitationRow, Listing, OwnerRow, VehicleName
from evd.store.sqlite.read.base import Questions

_INVITATIONS = """
SELECT id, vehicle, relation, invited_by, created, expires FROM invitations
WHERE vehicle = ? AND expires > ? AND (created, id) > (?, ?) ORDER BY created, id LIMIT ?"""
_OWNERS = "SELECT uid, vehicle, relation, created FROM owners WHERE vehicle = ? AND uid > ? ORDER BY uid LIMIT ?"
_TAGGED = "SELECT vehicle FROM tags WHERE tag = ? AND vehicle > ? ORDER BY vehicle LIMIT ?"


class SqliteSharingQueries(Questions):
    """See `evd.store.queries.SharingQueries`."""

    async def invitations(
        self, vehicle: str, now: int, after: tuple[int, str] = (-1, ""), limit: int = LISTED_MAX
    ) -> Listing[InvitationRow]:
        return await self.listing(_INVITATIONS, (vehicle, now, *after), limit, by=("created", "id"))

    async def owners_of(self, vehicle: str, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[OwnerRow]:
        return await self.listing(_OWNERS, (vehicle, *after), limit, by=("uid",))

    async def tags_of(self, vehicle: str) -> list[str]:
        sql = "SELECT tag FROM tags WHERE vehicle = ? ORDER BY tag"
        return [tag for (tag,) in await self.tuples(sql, (vehicle,), small=True)]

    async def tagged(self, tag: str, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[VehicleName]:
        return await self.listing(_TAGGED, (tag, *after), limit, by=("vehicle",))

    async def ignored(self, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[IgnoredRow]:
        sql = "SELECT vehicle, since, callbacks FROM ignored WHERE vehicle > ? ORDER BY vehicle LIMIT ?"
        return await self.listing(sql, after, limit, by=("vehicle",))

    async def vehicles_of(self, uid: str) -> frozenset[str]:
        rows = await self.tuples("SELECT vehicle FROM owners WHERE uid = ?", (uid,))
        return frozenset(vehicle for (vehicle,) in rows)
