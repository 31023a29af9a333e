"""What the API reads. Small questions, which look at a few rows, and large ones have readers of their own, and each
asker his share of them: so nobody's history holds up somebody else's last status.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from evd.model.kept_status import KeptStatus
from evd.model.status import Status
from evd.store.sqlite.read.connections import Readers
from evd.store.sqlite.read.status_rows import COLUMNS, KEPT, KEPT_OF_TABLE, OF_TABLE, kept_status_of, status_of
from evd.store.sqlite.ring_walk import Columns, Page, PageLimit, Place, TimeSpan, read_page

QUESTION_TIMEOUT_S = 5.0
"""With the wait for its turn; the app waits no longer either."""

SMALL_READERS = 2
LARGE_READERS = 2
"""Threads; more of them gain nothing on a small machine, and each page of a large answer takes some milliseconds."""

LARGE_EACH = 1
"""Of one asker at once: the other reader is there for the others."""

LISTED_MAX = 10_000
"""Rows of an administrative list's page."""

LISTED_BYTES_MAX = 2 * 1024 * 1024
"""Of a list's page, or it ends there: entries of vehicles' logs may be as long as a body."""

FETCHED = 256
"""Rows between two looks at how many bytes they are."""

_DOWNLINKS = """
SELECT * FROM (
    SELECT number, vehicle, lower(hex(payload)) AS payload,
           CASE WHEN state IN ('queued', 'offered') AND expires < ? THEN 'expired' ELSE state END AS state,
           created, expires, offered, asked_by, asked_time, closed, info_code, info
    FROM downlinks)
WHERE true"""

# SQLite would look at each vehicle's ring before it sorts and cuts.
_FLEET = """
SELECT * FROM fleet WHERE vehicle IN (SELECT vehicle FROM vehicles WHERE vehicle > ? ORDER BY vehicle LIMIT ?)
ORDER BY vehicle"""

_NOTES = "SELECT number, time, vehicle, kind, severity, text, received, document FROM notes"

_FORMAT_USES = """
SELECT format, sum(vehicles) AS vehicles, sum(types) AS device_types FROM (
    SELECT format, count(*) AS vehicles, 0 AS types FROM vehicles WHERE format IS NOT NULL GROUP BY format
    UNION ALL SELECT format, 0, count(*) FROM device_types GROUP BY format)
WHERE instr(format, ':') = 0 GROUP BY format ORDER BY format LIMIT ?"""

_FLAGGED = "SELECT flags, count(*) FROM ring WHERE vehicle = ? AND flags <> '' GROUP BY flags"

_LAST_FLAGGED = f"""
SELECT {KEPT} FROM ring
WHERE vehicle = ? AND ' ' || flags || ' ' LIKE '% ' || ? || ' %' ORDER BY position DESC LIMIT 1"""  # noqa: S608 (a constant)

_SINCE = """
SELECT time, seq, id FROM ring
WHERE vehicle = ? AND timely = 1 AND (time, seq) >= (?, ?) ORDER BY time DESC, seq DESC, position DESC LIMIT ?"""

_LASTS = "SELECT vehicle, time, seq, id FROM last ORDER BY vehicle LIMIT ?"

_REGISTRATIONS = """
SELECT number, vehicle, token, kind, uid, created, renewed, given_at, attempts, outcome
FROM registrations LEFT JOIN deliveries ON registration = number
WHERE kind IN (SELECT value FROM json_each(?)) AND number > ?"""

_OF_STATUS = Columns(OF_TABLE)
_OF_KEPT = Columns(KEPT_OF_TABLE)

OF_ONE_TIME = PageLimit(rows=16, size_bytes=256 * 1024)
"""Statuses of one time are few."""

NUMBER_MAX = (1 << 63) - 1


class Listing(NamedTuple):
    """A page of a list; `following` is the cursor that the next one goes on from, None where there is none."""

    rows: list[dict[str, Any]]
    following: tuple[Any, ...] | None


class Queries:
    """Read-only questions to one database. Every method raises Unavailable where the database does not answer.

    A list's `after` is the cursor of the page before.
    """

    def __init__(self, path: Path, small: Readers, large: Readers) -> None:
        self.path = path
        self._small = small
        self._large = large

    @classmethod
    async def open(cls, path: Path, version: Callable[[], object] = object) -> Queries:
        """`version` is another one after each commit; it says which answers may be shared."""
        small = await Readers.open(path, connections=SMALL_READERS, each=SMALL_READERS, version=version)
        large = await Readers.open(path, connections=LARGE_READERS, each=LARGE_EACH, version=version)
        return cls(path, small, large)

    async def aclose(self) -> None:
        await self._small.aclose()
        await self._large.aclose()

    async def last(self, vehicle: str) -> Status | None:
        """The vehicle's newest status that does not lie in the future."""
        rows = await self._few(
            f"SELECT {COLUMNS} FROM last WHERE vehicle = ?",  # noqa: S608 (a constant)
            (vehicle,),
        )
        return status_of(vehicle, rows[0]) if rows else None

    async def range_page(self, span: TimeSpan, after: Place | None, room: PageLimit) -> tuple[list[Status], bool]:
        """Statuses of the span behind `after`, the oldest first, and whether more follow."""
        page = await self._page(span, after, _OF_STATUS, room)
        return [status_of(span.vehicle, row) for row in page.rows], page.more

    async def at(self, vehicle: str, place: Place) -> Status | None:
        """The status there, unless the ring has let it go."""
        time, seq, status_id = place
        span, after, more = TimeSpan(vehicle, time, time), (time, seq, ""), True
        while more:
            rows, more = await self.range_page(span, after, OF_ONE_TIME)
            for row in rows:
                if row.status_id == status_id:
                    return row
                after = row.place
        return None

    async def since(self, vehicle: str, place: Place, limit: int) -> list[Place]:
        """Where the vehicle's statuses behind this one stand: the newest `limit`, oldest first.

        None of the future. Where that one is not in the ring any more, nothing of its time and seqNumber is left out.
        """
        time, seq, status_id = place
        places: list[Place] = await self._all(_SINCE, (vehicle, time, seq, limit + 1))
        behind = next((count for count, (_, _, other) in enumerate(places) if other == status_id), limit)
        return places[:behind][::-1]

    async def lasts(self, limit: int) -> list[tuple[str, Place]]:
        """Where the last status of each vehicle stands that has one, by their ids."""
        return [
            (vehicle, (time, seq, status_id)) for vehicle, time, seq, status_id in await self._all(_LASTS, (limit,))
        ]

    async def owns(self, uid: str, vehicle: str) -> bool:
        return bool(await self._few("SELECT 1 FROM owners WHERE uid = ? AND vehicle = ?", (uid, vehicle)))

    async def keys(self, after: tuple[int, str] = (-1, ""), limit: int = LISTED_MAX) -> Listing:
        sql = "SELECT id, role, name, vehicle, created, revoked FROM keys WHERE (created, id) > (?, ?)"
        return await self.listing(sql + " ORDER BY created, id LIMIT ?", after, limit, by=("created", "id"))

    async def owners(self, after: tuple[str, str] = ("", ""), limit: int = LISTED_MAX) -> Listing:
        sql = "SELECT uid, vehicle, created FROM owners WHERE (uid, vehicle) > (?, ?) ORDER BY uid, vehicle LIMIT ?"
        return await self.listing(sql, after, limit, by=("uid", "vehicle"))

    async def registrations(
        self,
        *,
        vehicle: str | None = None,
        uid: str | None = None,
        token: str | None = None,
        kinds: Collection[str],
        after: tuple[int] = (0,),
        limit: int,
    ) -> Listing:
        """Those of these kinds that are all that is given, in the order they came; times are epoch ms."""
        asked = {"vehicle = ?": vehicle, "uid = ?": uid, "token = ?": token}
        given = {condition: value for condition, value in asked.items() if value is not None}
        sql = " AND ".join([_REGISTRATIONS, *given]) + " ORDER BY number LIMIT ?"
        values = (orjson.dumps(list(kinds)).decode(), *after, *given.values())
        return await self.listing(sql, values, limit, by=("number",))

    async def fleet(self, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing:
        return await self.listing(_FLEET, after, limit, by=("vehicle",))

    async def vehicle(self, vehicle: str) -> dict[str, Any] | None:
        sql = "SELECT f.*, v.format, v.created FROM fleet AS f JOIN vehicles AS v USING (vehicle) WHERE f.vehicle = ?"
        rows = await self._dicts(sql, (vehicle,), small=True)
        return rows[0] if rows else None

    async def downlinks(
        self,
        now: int,
        *,
        number: int | None = None,
        vehicle: str | None = None,
        state: str | None = None,
        after: tuple[int] = (NUMBER_MAX,),
        limit: int,
    ) -> Listing:
        """Those that are all that is given, the newest first, with their states at `now`; times are epoch ms."""
        asked = {"number = ?": number, "vehicle = ?": vehicle, "state = ?": state}
        given = {condition: value for condition, value in asked.items() if value is not None}
        sql = " AND ".join([_DOWNLINKS, "number < ?", *given]) + " ORDER BY number DESC LIMIT ?"
        return await self.listing(sql, (now, *after, *given.values()), limit, by=("number",))

    async def log(self, vehicle: str, after: tuple[int, int] = (NUMBER_MAX, NUMBER_MAX), *, limit: int) -> Listing:
        """The vehicle's log, the newest first; times are epoch ms."""
        sql = _NOTES + " WHERE vehicle = ? AND (time, number) < (?, ?) ORDER BY time DESC, number DESC LIMIT ?"
        return await self.listing(sql, (vehicle, *after), limit, by=("time", "number"))

    async def logs(self, after: tuple[int] = (NUMBER_MAX,), *, limit: int) -> Listing:
        """The entries of all vehicles, groups and device types, those first that came last."""
        sql = _NOTES + " WHERE number < ? ORDER BY number DESC LIMIT ?"
        return await self.listing(sql, after, limit, by=("number",))

    async def rejections(self, after: tuple[int] = (NUMBER_MAX,), *, limit: int, text: str) -> Listing:
        """Rejected requests with a number below and `text` in what was wrong with them, the newest first."""
        sql = (
            "SELECT number, received, times, route, error, detail, length(body) AS body_bytes FROM rejected"
            " WHERE number < ? AND instr(lower(error || ' ' || detail), lower(?)) ORDER BY number DESC LIMIT ?"
        )
        return await self.listing(sql, (*after, text), limit, by=("number",))

    async def rejection(self, number: int) -> dict[str, Any] | None:
        sql = "SELECT number, received, times, route, error, detail, headers, body FROM rejected WHERE number = ?"
        rows = await self._dicts(sql, (number,), small=True)
        return rows[0] if rows else None

    async def rejected_numbers(self, *, after: int, through: int, limit: int, error: str = "") -> list[int]:
        """The oldest first; `error` narrows it down to those with this one."""
        rows = await self._all(
            "SELECT number FROM rejected WHERE number > ?1 AND number <= ?2 AND ?4 IN ('', error)"
            " ORDER BY number LIMIT ?3",
            (after, through, limit, error),
        )
        return [number for (number,) in rows]

    async def days(self, vehicle: str, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing:
        """What came of the vehicle's frames with a seqNumber and what was lost, by day (UTC), oldest first."""
        sql = "SELECT * FROM days WHERE vehicle = ? AND day > ? ORDER BY day LIMIT ?"
        return await self.listing(sql, (vehicle, *after), limit, by=("day",))

    async def vehicles_from(self, first: str, limit: int) -> list[str]:
        """The ids of known vehicles in their order, from `first` on."""
        rows = await self._few(
            "SELECT vehicle FROM vehicles WHERE vehicle >= ? ORDER BY vehicle LIMIT ?", (first, limit)
        )
        return [vehicle for (vehicle,) in rows]

    async def kept(self, span: TimeSpan, after: Place | None, room: PageLimit) -> tuple[list[KeptStatus], bool]:
        """As `range_page`, with all that is kept of each."""
        page = await self._page(span, after, _OF_KEPT, room)
        return [kept_status_of(span.vehicle, row) for row in page.rows], page.more

    async def flagged(self, vehicle: str) -> dict[str, int]:
        """Flag → how many of the vehicle's kept statuses have it."""
        counts: Counter[str] = Counter()
        for flags, statuses in await self._all(_FLAGGED, (vehicle,)):
            counts.update(dict.fromkeys(flags.split(), statuses))
        return dict(counts)

    async def last_flagged(self, vehicle: str, flag: str) -> KeptStatus | None:
        """The vehicle's newest status that has the flag."""
        rows = await self._all(_LAST_FLAGGED, (vehicle, flag))
        return kept_status_of(vehicle, rows[0]) if rows else None

    async def format_uses(self) -> list[dict[str, Any]]:
        """By format that has a name: how many vehicles and device types have it as theirs."""
        return await self._dicts(_FORMAT_USES, (LISTED_MAX,))

    async def format_vehicles(self, name: str, after: tuple[str] = ("",), *, limit: int) -> Listing:
        """Whose format it is."""
        sql = "SELECT vehicle FROM vehicles WHERE format = ? AND vehicle > ? ORDER BY vehicle LIMIT ?"
        return await self.listing(sql, (name, *after), limit, by=("vehicle",))

    async def format_types(self, name: str) -> list[str]:
        """The device types whose format it is."""
        sql = "SELECT device_type FROM device_types WHERE format = ? ORDER BY device_type LIMIT ?"
        return [one for (one,) in await self._all(sql, (name, LISTED_MAX))]

    async def device_types(self, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing:
        sql = "SELECT device_type, format, created FROM device_types WHERE device_type > ? ORDER BY device_type LIMIT ?"
        return await self.listing(sql, after, limit, by=("device_type",))

    async def counts(self) -> dict[str, Any]:
        """Row counts of what is small, and of the rings by their vehicles' own counts."""
        rows = await self._dicts(
            # A full ring's count is exact as it is written; only of the others the shape must be walked on.
            "SELECT (SELECT count(*) FROM vehicles) AS vehicles, (SELECT total(kept) FROM ("
            "SELECT kept + overflow AS kept FROM vehicles WHERE kept >= slots UNION ALL SELECT kept FROM capacities"
            " WHERE number IN (SELECT number FROM vehicles WHERE kept < slots))) AS statuses,"
            " (SELECT total(too_old) FROM vehicles) AS too_old, (SELECT count(*) FROM registrations) AS registrations,"
            " (SELECT count(*) FROM owners) AS owners, (SELECT count(*) FROM outbox) AS events_waiting,"
            " (SELECT min(created) FROM outbox) AS oldest_event,"
            # An index holds these alone; all that wait are found by a look at each registration's last status.
            " (SELECT count(*) FROM deliveries WHERE due IS NOT NULL) AS states_put_off,"
            " (SELECT count(*) FROM rejected) AS rejected",
            (),
        )
        return {name: int(value) if isinstance(value, float) else value for name, value in rows[0].items()}

    async def rows(self, sql: str, values: Sequence[Any], *, small: bool = False) -> list[dict[str, Any]]:
        """For questions that stand in a module of their own."""
        return await self._dicts(sql, values, small=small)

    async def _page(self, span: TimeSpan, after: Place | None, columns: Columns, room: PageLimit) -> Page:
        work = partial(_read_page, span, after, columns, room)
        return await self._large.ask((span, after, columns, room), work, QUESTION_TIMEOUT_S)

    async def listing(self, sql: str, values: tuple[Any, ...], limit: int, *, by: tuple[str, ...]) -> Listing:
        """A page of a list, also for questions that stand in a module of their own.

        `sql` has its LIMIT last, and is sorted by the columns `by`, which make a row unique.
        """
        names, rows, more = await self._ask(sql, (*values, limit + 1), LISTED_BYTES_MAX)
        found = [dict(zip(names, row, strict=True)) for row in rows[:limit]]
        more = more or len(rows) > limit
        return Listing(found, tuple(found[-1][name] for name in by) if more else None)

    async def _all(self, sql: str, values: Sequence[Any]) -> list[Any]:
        return (await self._ask(sql, values))[1]

    async def _few(self, sql: str, values: Sequence[Any]) -> list[Any]:
        """Of what an index leads to, and nobody should wait long for."""
        return (await self._ask(sql, values, small=True))[1]

    async def _dicts(self, sql: str, values: Sequence[Any], *, small: bool = False) -> list[dict[str, Any]]:
        names, rows, _ = await self._ask(sql, values, small=small)
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def _ask(
        self, sql: str, values: Sequence[Any], bytes_max: int | None = None, *, small: bool = False
    ) -> _Answer:
        work = partial(_fetched, sql, values, bytes_max)
        return await (self._small if small else self._large).ask((sql, *values), work, QUESTION_TIMEOUT_S)


class _Answer(NamedTuple):
    """Shared between those who asked the same: not to be changed."""

    names: list[str]
    rows: list[Any]
    cut: bool


def _fetched(sql: str, values: Sequence[Any], bytes_max: int | None, connection: Any) -> _Answer:
    """All rows, or those that come until they are `bytes_max` together; one at least."""
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description]
    if bytes_max is None:
        return _Answer(names, cursor.fetchall(), False)
    rows: list[Any] = []
    size = 0
    while some := cursor.fetchmany(FETCHED):
        for row in some:
            size += sum(len(value) for value in row if type(value) in (str, bytes))
            if rows and size > bytes_max:
                return _Answer(names, rows, True)
            rows.append(row)
    return _Answer(names, rows, False)


def _read_page(span: TimeSpan, after: Place | None, columns: Columns, room: PageLimit, connection: Any) -> Page:
    return read_page(connection, span, after, columns, room)
