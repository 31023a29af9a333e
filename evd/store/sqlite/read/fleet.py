"""Queries for vehicles with their last statuses and profiles."""

from __future__ import annotations

from typing import Any, cast

import orjson

from evd.store.records import (
    LISTED_MAX,
    NUMBER_MAX,
    WHOLE_FLEET,
    FleetOrder,
    FleetRow,
    FleetSearch,
    Listing,
    ProfileRow,
    first_key,
)
from evd.store.sqlite.read.base import LISTED_BYTES_MAX, Questions
from evd.store.sqlite.read.status_rows import OF_TABLE, status_of
from evd.store.sqlite.tables.profiles import COLUMNS

_OF_USER = "SELECT vehicle, relation FROM owners WHERE uid = ?1"
_OF_ALL = """
SELECT v.vehicle, o.relation FROM vehicles AS v LEFT JOIN owners AS o ON o.vehicle = v.vehicle AND o.uid = ?1"""
_NAMED = "vehicle IN (SELECT value FROM json_each(?2))"

# With the vehicles in `mine` SQLite reads only their rings; in the order of ids, only those of the page.
# ?1 user, ?2 vehicles, ?3 state, ?4 staleness, ?5 text, ?6 and ?7 the cursor, ?8 rows.
_FLEET = f"""
WITH mine AS MATERIALIZED (MINE),
rings AS MATERIALIZED (SELECT * FROM capacities WHERE vehicle IN (SELECT vehicle FROM mine)),
fleet AS (
    SELECT mine.vehicle, mine.relation, coalesce(p.name, r.name) AS name, p.reg_number, p.type,
           CASE WHEN s.id IS NULL THEN 'never' WHEN a.state ->> '$.silent_since' IS NOT NULL THEN 'silent' ELSE 'fresh'
                END AS staleness,
           ifnull(min(r.kept, r.keep), 0) AS kept, r.keep, ifnull(r.too_old, 0) AS too_old, v.format, v.created,
           m.battery_v, m.temperature_c, RANK AS rank, s.fields ->> 'state' AS state, {OF_TABLE}
    FROM mine
    LEFT JOIN rings AS r ON r.vehicle = mine.vehicle
    LEFT JOIN vehicles AS v ON v.number = r.number
    LEFT JOIN statuses AS s ON s.place = r.number * 1048576 + r.newest AND s.timely = 1
    LEFT JOIN vehicle_profiles AS p ON p.vehicle = mine.vehicle
    LEFT JOIN alert_states AS a ON a.vehicle = mine.vehicle
    LEFT JOIN modems AS m ON m.vehicle = mine.vehicle)
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
    "charge": "ifnull(CAST(s.fields ->> 'current_charge' AS REAL), -1.0)",
}
"""What comes before the id in the order."""

_PROFILE = "SELECT {} FROM vehicle_profiles WHERE vehicle = ?".format(  # noqa: S608
    ", ".join(f'{column} AS "{member}"' for member, column in COLUMNS.items())
)


class SqliteFleetQueries(Questions):
    """Part of `evd.store.queries.VehicleQueries`."""

    async def fleet(
        self, search: FleetSearch = WHOLE_FLEET, after: tuple[Any, ...] | None = None, limit: int = LISTED_MAX
    ) -> Listing[FleetRow]:
        sql, values = _search(search, after, limit + 1)
        _, found, cut = await self._ask(sql, values, LISTED_BYTES_MAX)
        rows = [_row(one) for one in found[:limit]]
        return Listing(rows, rows[-1].key if cut or len(found) > limit else None)

    async def vehicle(self, vehicle: str, uid: str | None = None) -> FleetRow | None:
        for everyones in (True, False) if uid is not None else (True,):
            sql, values = _search(FleetSearch(uid, everyones, frozenset({vehicle})), None, 1)
            if found := await self.tuples(sql, values, small=True):
                return _row(found[0])
        return None

    async def profile(self, vehicle: str) -> ProfileRow:
        rows = await self.rows(_PROFILE, (vehicle,), small=True)
        return cast(ProfileRow, rows[0] if rows else dict.fromkeys(COLUMNS))


def _search(search: FleetSearch, after: tuple[Any, ...] | None, most: int) -> tuple[str, tuple[Any, ...]]:
    rank, vehicle = first_key(search.order) if after is None else after
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
    return sql, (search.uid, named, search.state, search.staleness, text, rank, vehicle, most)


def _mine(search: FleetSearch, *, cut: bool) -> str:
    sql = f"SELECT * FROM ({_OF_ALL if search.everyones else _OF_USER}) WHERE 1"  # noqa: S608
    if search.vehicles is not None:
        sql += f" AND {_NAMED}"
    order: dict[FleetOrder, str] = {
        "id": " AND vehicle > ?7 ORDER BY vehicle LIMIT ?8",
        "-id": " AND vehicle < ?7 ORDER BY vehicle DESC LIMIT ?8",
    }
    return sql + order.get(search.order, "") if cut else sql


def _row(row: Any) -> FleetRow:
    vehicle, relation, name, reg_number, type_, staleness, kept, keep, too_old, format_, created, *others = row
    battery, temperature, rank, _, *status = others
    return FleetRow(
        *(vehicle, relation, name, reg_number, type_, staleness, kept, keep, too_old, format_, created),
        *(battery, temperature),
        last=None if status[0] is None else status_of(vehicle, status),
        key=(rank, vehicle),
    )
