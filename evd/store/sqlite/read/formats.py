"""Queries for payload formats and their assignments."""

from __future__ import annotations

from evd.store.records import LISTED_MAX, DeviceTypeRow, FormatUse, Listing, VehicleName
from evd.store.sqlite.read.base import Questions

_FORMAT_USES = """
SELECT format, sum(vehicles) AS vehicles, sum(types) AS device_types FROM (
    SELECT format, count(*) AS vehicles, 0 AS types FROM vehicles WHERE format IS NOT NULL GROUP BY format
    UNION ALL SELECT format, 0, count(*) FROM device_types GROUP BY format)
WHERE instr(format, ':') = 0 GROUP BY format ORDER BY format LIMIT ?"""


class SqliteFormatQueries(Questions):
    """See `evd.store.queries.FormatQueries`."""

    async def format_uses(self) -> list[FormatUse]:
        return await self.rows(_FORMAT_USES, (LISTED_MAX,))

    async def format_vehicles(self, name: str, after: tuple[str] = ("",), *, limit: int) -> Listing[VehicleName]:
        sql = "SELECT vehicle FROM vehicles WHERE format = ? AND vehicle > ? ORDER BY vehicle LIMIT ?"
        return await self.listing(sql, (name, *after), limit, by=("vehicle",))

    async def format_types(self, name: str) -> list[str]:
        sql = "SELECT device_type FROM device_types WHERE format = ? ORDER BY device_type LIMIT ?"
        return [one for (one,) in await self.tuples(sql, (name, LISTED_MAX))]

    async def device_types(self, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[DeviceTypeRow]:
        sql = "SELECT device_type, format, created FROM device_types WHERE device_type > ? ORDER BY device_type LIMIT ?"
        return await self.listing(sql, after, limit, by=("device_type",))
