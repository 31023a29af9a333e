"""Queries for vehicles with their last statuses and profiles."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import orjson

from evd.model.profile import MEMBERS
from evd.store.records import LISTED_MAX, NUMBER_MAX, Listing
from evd.store.sqlite.read import base
from evd.store.sqlite.read.base import Questions
from evd.store.sqlite.read.status_rows import OF_TABLE, status_of
from evd.store.vehicle_records import WHOLE_FLEET, FleetOrder, FleetRow, FleetSearch, ImageRow, ProfileRow, first_key

_OF_USER = "SELECT vehicle FROM owners WHERE uid = ?1"
_OF_ALL = "SELECT vehicle FROM vehicles WHERE TRUE"
_NAMED = " AND vehicle IN (SELECT value FROM json_each(?2))"

# With the vehicles in `mine` SQLite reads only their rings; in the order of ids, only those of the page.
# ?1 user, ?2 vehicles, ?3 state, ?4 staleness, ?5 text, ?6 and ?7 the cursor, ?8 rows, ?9 the time of `stale_before`.
_FLEET = f"""
WITH mine AS MATERIALIZED (MINE),
rings AS MATERIALIZED (
    SELECT number, vehicle, name, newest, kept, keep, too_old FROM capacities
    WHERE vehicle IN (SELECT vehicle FROM mine)),
known AS (
    SELECT * FROM rings
    UNION ALL
    SELECT NULL, vehicle, NULL, NULL, 0, NULL, 0 FROM mine WHERE vehicle NOT IN (SELECT vehicle FROM rings)),
fleet AS (
    SELECT r.vehicle, o.relation, coalesce(p.name, r.name) AS name, p.reg_number, p.type,
           CASE WHEN s.id IS NULL THEN 'never'
                WHEN s.received < ?9 OR a.state ->> '$.silent_since' IS NOT NULL THEN 'silent'
                ELSE 'fresh' END AS staleness,
           min(r.kept, ifnull(r.keep, 0)) AS kept, r.keep, r.too_old, v.format, v.created,
           m.battery_v, m.temperature_c, RANK AS rank, s.fields ->> 'state' AS state, {OF_TABLE}
    FROM known AS r
    LEFT JOIN owners AS o ON o.uid = ?1 AND o.vehicle = r.vehicle
    LEFT JOIN vehicles AS v ON v.number = r.number
    LEFT JOIN statuses AS s ON s.place = r.number * 1048576 + r.newest AND s.timely = 1
    LEFT JOIN vehicle_profiles AS p ON p.vehicle = r.vehicle
    LEFT JOIN alert_states AS a ON a.vehicle = r.vehicle
    LEFT JOIN modems AS m ON m.vehicle = r.vehicle)
SELECT * FROM fleet
WHERE (rank, vehicle) COMPARED (?6, ?7) CONDITIONS
ORDER BY rank DIRECTION, vehicle DIRECTION LIMIT ?8"""  # noqa: S608 (constants)

_CONDITIONS = {
    "state": " AND state = ?3",
    "staleness": " AND staleness = ?4",
    "text": " AND instr(lower(vehicle || char(10) || ifnull(name, '') || char(10) || ifnull(reg_number, '')), ?5)",
}

_RANKS = {
    "id": "0",
    "age": f"ifnull(-s.time, {NUMBER_MAX - 1})",
    "attention": """CASE WHEN s.id IS NULL THEN 3
                WHEN s.received < ?9 OR a.state ->> '$.silent_since' IS NOT NULL THEN 0
                WHEN s.flags <> '' THEN 1 ELSE 2 END""",
    "charge": "ifnull(CAST(s.fields ->> 'current_charge' AS REAL), -1.0)",
}
"""What comes before the id in the order."""

_PROFILE = """
SELECT name, reg_number AS regNumber, type, battery_kwh AS battery, max_voltage AS maxVoltage, phases, zone,
       coarse_location AS coarseLocation
FROM vehicle_profiles WHERE vehicle = ?"""


_IMAGE_FILES = """
SELECT value FROM json_each(?) AS asked
WHERE EXISTS (SELECT 1 FROM images WHERE file = asked.value OR thumbnail = asked.value)"""


class SqliteFleetQueries(Questions):
    """Part of `evd.store.queries.VehicleQueries`."""

    async def fleet(
        self, search: FleetSearch = WHOLE_FLEET, after: tuple[Any, ...] | None = None, limit: int = LISTED_MAX
    ) -> Listing[FleetRow]:
        sql, values = _search(search, after, limit + 1)
        _, found, cut = await self._ask(sql, values, base.LISTED_BYTES_MAX)
        rows = [_row(one, search.order) for one in found[:limit]]
        return Listing(rows, rows[-1].key if cut or len(found) > limit else None)

    async def vehicle(self, vehicle: str, uid: str | None = None, stale_before: int = 0) -> FleetRow | None:
        for everyones in (True, False) if uid is not None else (True,):
            sql, values = _search(FleetSearch(uid, everyones, frozenset({vehicle}), stale_before=stale_before), None, 1)
            if found := await self.tuples(sql, values, small=True):
                return _row(found[0], "id")
        return None

    async def profile(self, vehicle: str) -> ProfileRow:
        rows = await self.rows(_PROFILE, (vehicle,), small=True)
        return cast(ProfileRow, rows[0] if rows else dict.fromkeys(MEMBERS))

    async def image(self, vehicle: str) -> ImageRow | None:
        rows = await self.rows("SELECT * FROM images WHERE vehicle = ?", (vehicle,), small=True)
        return cast(ImageRow, rows[0]) if rows else None

    async def image_files(self, names: Collection[str]) -> set[str]:
        asked = orjson.dumps(sorted(names)).decode()
        return {name for (name,) in await self.tuples(_IMAGE_FILES, (asked,))}


def _search(search: FleetSearch, after: tuple[Any, ...] | None, most: int) -> tuple[str, tuple[Any, ...]]:
    *ranks, vehicle = first_key(search.order) if after is None else after
    rank = ranks[0] if ranks else 0
    conditions = [text for name, text in _CONDITIONS.items() if getattr(search, name) is not None]
    down = search.order.startswith("-")
    words = {
        "MINE": _mine(search, cut=not conditions),
        "RANK": _RANKS[search.order.lstrip("-")],
        "CONDITIONS": "".join(conditions),
        "COMPARED": "<" if down else ">",
        "DIRECTION": "DESC" if down else "ASC",
    }
    sql = _FLEET
    for word, part in words.items():
        sql = sql.replace(word, part)
    named = None if search.vehicles is None else orjson.dumps(sorted(search.vehicles)).decode()
    text = None if search.text is None else search.text.lower()
    return sql, (search.uid, named, search.state, search.staleness, text, rank, vehicle, most, search.stale_before)


def _mine(search: FleetSearch, *, cut: bool) -> str:
    sql = (_OF_ALL if search.everyones else _OF_USER) + (_NAMED if search.vehicles is not None else "")
    return sql + _CUT.get(search.order, "") if cut else sql


_CUT: dict[FleetOrder, str] = {
    "id": " AND vehicle > ?7 ORDER BY vehicle LIMIT ?8",
    "-id": " AND vehicle < ?7 ORDER BY vehicle DESC LIMIT ?8",
}


def _row(row: Any, order: FleetOrder) -> FleetRow:
    vehicle, relation, name, reg_number, type_, staleness, kept, keep, too_old, format_, created, *others = row
    battery, temperature, rank, _, *status = others
    return FleetRow(
        *(vehicle, relation, name, reg_number, type_, staleness, kept, keep, too_old, format_, created),
        *(battery, temperature),
        last=None if status[0] is None else status_of(vehicle, status),
        key=(vehicle,) if order in _CUT else (rank, vehicle),
    )
