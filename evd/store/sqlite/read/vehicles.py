"""Queries for vehicles, and for what is known of each besides its statuses."""

from __future__ import annotations

from collections.abc import Collection

import orjson

from evd.store.records import LISTED_MAX, NUMBER_MAX, DayRow, DownlinkRow, Listing, NoteRow, StoredCounts
from evd.store.sqlite.read.base import Questions, narrowed

_DOWNLINKS = """
SELECT * FROM (
    SELECT number, vehicle, lower(hex(payload)) AS payload,
           CASE WHEN state IN ('queued', 'offered') AND expires < ? THEN 'expired' ELSE state END AS state,
           created, expires, offered, asked_by, asked_time, closed, info_code, info
    FROM downlinks)
WHERE number < ?"""

# The written count of a full ring is exact; for the others the shape must be followed to the newest status. An index
# has the states that wait for a retry; all waiting states are found by reading each registration's last status.
_COUNTS = """
SELECT (SELECT count(*) FROM vehicles) AS vehicles,
       (SELECT ifnull(sum(kept), 0) FROM (
            SELECT kept + overflow AS kept FROM vehicles WHERE kept >= slots
            UNION ALL
            SELECT kept FROM capacities WHERE number IN (SELECT number FROM vehicles WHERE kept < slots))) AS statuses,
       (SELECT ifnull(sum(too_old), 0) FROM vehicles) AS too_old,
       (SELECT count(*) FROM registrations) AS registrations,
       (SELECT count(*) FROM owners) AS owners,
       (SELECT count(*) FROM outbox) AS events_waiting,
       (SELECT min(created) FROM outbox) AS oldest_event,
       (SELECT count(*) FROM deliveries WHERE due IS NOT NULL) AS states_put_off,
       (SELECT count(*) FROM rejected) AS rejected"""

_NOTES = "SELECT number, time, vehicle, kind, severity, text, received, document FROM notes"


class SqliteVehicleQueries(Questions):
    """See `evd.store.queries.VehicleQueries`, of which `fleet` has the rest."""

    async def vehicles_from(self, first: str, limit: int) -> list[str]:
        sql = "SELECT vehicle FROM vehicles WHERE vehicle >= ? ORDER BY vehicle LIMIT ?"
        return [vehicle for (vehicle,) in await self.tuples(sql, (first, limit), small=True)]

    async def days(self, vehicle: str, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[DayRow]:
        sql = "SELECT * FROM days WHERE vehicle = ? AND day > ? ORDER BY day LIMIT ?"
        return await self.listing(sql, (vehicle, *after), limit, by=("day",))

    async def day_of(self, day: str, vehicles: Collection[str]) -> list[DayRow]:
        sql = "SELECT * FROM days WHERE vehicle IN (SELECT value FROM json_each(?)) AND day = ?"
        found: list[DayRow] = await self.rows(sql, (orjson.dumps(list(vehicles)).decode(), day))
        return found

    async def log(
        self, vehicle: str, after: tuple[int, int] = (NUMBER_MAX, NUMBER_MAX), *, limit: int
    ) -> Listing[NoteRow]:
        sql = _NOTES + " WHERE vehicle = ? AND (time, number) < (?, ?) ORDER BY time DESC, number DESC LIMIT ?"
        return await self.listing(sql, (vehicle, *after), limit, by=("time", "number"))

    async def logs(self, after: tuple[int] = (NUMBER_MAX,), *, limit: int) -> Listing[NoteRow]:
        sql = _NOTES + " WHERE number < ? ORDER BY number DESC LIMIT ?"
        return await self.listing(sql, after, limit, by=("number",))

    async def downlinks(
        self,
        now: int,
        *,
        number: int | None = None,
        vehicle: str | None = None,
        state: str | None = None,
        after: tuple[int] = (NUMBER_MAX,),
        limit: int,
    ) -> Listing[DownlinkRow]:
        asked = {"number = ?": number, "vehicle = ?": vehicle, "state = ?": state}
        sql, given = narrowed(_DOWNLINKS, asked, " ORDER BY number DESC LIMIT ?")
        return await self.listing(sql, (now, *after, *given), limit, by=("number",))

    async def counts(self) -> StoredCounts:
        rows = await self.rows(_COUNTS, ())
        counts: StoredCounts = rows[0]
        return counts
