"""What the API reads: aiosqlite on read-only connections, bridged from asyncio to trio in this one module.

The bridge is trio-asyncio's loop (`open_loop` around the whole server); each question crosses it once. The choice is
measured in docs/design.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson
import trio
from trio_asyncio import aio_as_trio

from evd.documents import for_app, status_document
from evd.errors import Unavailable
from evd.redecoding import Kept
from evd.store.database import READER_PRAGMAS, reader_uri
from evd.store.library import sqlite3

import aiosqlite  # isort: skip  (after evd.store.library, so that it uses the same SQLite)

QUESTION_TIMEOUT_S = 5.0
"""The largest answer (a ring of a million rows) is cut off here; the app waits no longer either."""

LISTED_MAX = 10_000
"""Rows of an administrative list."""

_DOWNLINKS = """
SELECT * FROM (
    SELECT number, vehicle, lower(hex(payload)) AS payload,
           CASE WHEN state IN ('queued', 'offered') AND expires < ? THEN 'expired' ELSE state END AS state,
           created, expires, offered, asked_by, asked_time, closed, info_code, info
    FROM downlinks)
WHERE true"""

_KEPT = """
SELECT vehicle, id, time, seq, connectivity, payload, fields, CAST(document AS BLOB), flags, radio FROM ring
WHERE vehicle = ? AND time BETWEEN ? AND ? AND (time, seq, id) > (?, ?, ?)
ORDER BY time, seq, id LIMIT ?"""

_FORMAT_USES = """
SELECT format, sum(vehicles) AS vehicles, sum(types) AS device_types FROM (
    SELECT format, count(*) AS vehicles, 0 AS types FROM vehicles WHERE format IS NOT NULL GROUP BY format
    UNION ALL SELECT format, 0, count(*) FROM device_types GROUP BY format)
GROUP BY format ORDER BY format LIMIT ?"""

_FLAGGED = "SELECT flags, count(*) FROM ring WHERE vehicle = ? AND flags <> '' GROUP BY flags"

_LAST_FLAGGED = """
SELECT vehicle, id, time, seq, connectivity, payload, fields, CAST(document AS BLOB), flags, radio FROM ring
WHERE vehicle = ? AND ' ' || flags || ' ' LIKE '% ' || ? || ' %' ORDER BY position DESC LIMIT 1"""

_SINCE = """
SELECT time, seq, id FROM ring
WHERE vehicle = ? AND timely = 1 AND (time, seq) >= (?, ?) ORDER BY time DESC, seq DESC, position DESC LIMIT ?"""

_LASTS = "SELECT vehicle, time, seq, id FROM last ORDER BY vehicle LIMIT ?"

_REGISTRATIONS = """
SELECT vehicle, token, kind, uid, created, renewed, given_at, attempts, outcome
FROM registrations LEFT JOIN deliveries ON registration = number WHERE (kind = 'webhook') = ?"""

_STATUS = "id, time, seq, connectivity, payload, fields, flags"


Place = tuple[int, int, str]
"""Where a status stands in its ring: time (epoch ms), seqNumber or -1, id."""


class StatusRow(msgspec.Struct, frozen=True):
    """A status out of a ring; `time` is epoch ms."""

    id: str
    time: int
    seq: int | None
    connectivity: int
    payload: bytes | None
    fields: dict[str, Any]
    flags: str

    def shown(self, vehicle: str) -> dict[str, Any]:
        """All that it says, the vehicle spelled so."""
        return status_document(
            status_id=self.id,
            vehicle=vehicle,
            time=self.time,
            connectivity=self.connectivity,
            seq=self.seq,
            payload=self.payload,
            fields=self.fields,
        )

    def for_app(self, vehicle: str, *, whole_numbers: bool) -> dict[str, Any]:
        """As the original's app can read it, the vehicle spelled so."""
        return for_app(self.shown(vehicle), whole_numbers=whole_numbers)


class Queries:
    """Read-only questions to one database. Every method raises Unavailable where the database does not answer."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._turn = trio.Lock()
        """One question at a time: aiosqlite would queue them without a bound."""

    @classmethod
    async def open(cls, path: Path) -> Queries:
        connection = await aio_as_trio(_connect)(path)
        return cls(connection)

    async def aclose(self) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + QUESTION_TIMEOUT_S):
            await aio_as_trio(self._connection.close)()

    async def last(self, vehicle: str) -> StatusRow | None:
        """The vehicle's newest status that does not lie in the future."""
        rows = await self._all(
            f"SELECT {_STATUS} FROM last WHERE vehicle = ?",  # noqa: S608 (a constant)
            (vehicle,),
        )
        return _status(rows[0]) if rows else None

    async def range(self, vehicle: str, first: int, last: int) -> list[StatusRow]:
        """The vehicle's statuses from `first` to `last` (epoch ms, both included), oldest first."""
        rows = await self._all(
            f"SELECT {_STATUS} FROM ring WHERE vehicle = ? AND time BETWEEN ? AND ?"  # noqa: S608
            " ORDER BY time, seq, position",
            (vehicle, first, last),
        )
        return [_status(row) for row in rows]

    async def at(self, vehicle: str, place: Place) -> StatusRow | None:
        """The status there, unless the ring has let it go."""
        time, _, status_id = place
        rows = await self._all(
            f"SELECT {_STATUS} FROM ring WHERE vehicle = ? AND time = ? AND id = ?",  # noqa: S608 (a constant)
            (vehicle, time, status_id),
        )
        return _status(rows[0]) if rows else None

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
        return bool(await self._all("SELECT 1 FROM owners WHERE uid = ? AND vehicle = ?", (uid, vehicle)))

    async def keys(self) -> list[dict[str, Any]]:
        return await self._dicts(
            "SELECT id, role, name, vehicle, created, revoked FROM keys ORDER BY created, id LIMIT ?", (LISTED_MAX,)
        )

    async def owners(self) -> list[dict[str, Any]]:
        return await self._dicts(
            "SELECT uid, vehicle, created FROM owners ORDER BY uid, vehicle LIMIT ?", (LISTED_MAX,)
        )

    async def registrations(
        self,
        *,
        vehicle: str | None = None,
        uid: str | None = None,
        token: str | None = None,
        webhooks: bool,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Webhooks, or else phones, that are all that is given, in the order they came; times are epoch ms."""
        asked = {"vehicle = ?": vehicle, "uid = ?": uid, "token = ?": token}
        given = {condition: value for condition, value in asked.items() if value is not None}
        sql = " AND ".join([_REGISTRATIONS, *given]) + " ORDER BY number LIMIT ?"
        return await self._dicts(sql, (webhooks, *given.values(), limit))

    async def fleet(self) -> list[dict[str, Any]]:
        return await self._dicts("SELECT * FROM fleet ORDER BY vehicle LIMIT ?", (LISTED_MAX,))

    async def vehicle(self, vehicle: str) -> dict[str, Any] | None:
        rows = await self._dicts(
            "SELECT f.*, v.format, v.created FROM fleet AS f JOIN vehicles AS v USING (vehicle) WHERE f.vehicle = ?",
            (vehicle,),
        )
        return rows[0] if rows else None

    async def downlinks(
        self, now: int, *, number: int | None = None, vehicle: str | None = None, state: str | None = None, limit: int
    ) -> list[dict[str, Any]]:
        """Those that are all that is given, the newest first, with their states at `now`; times are epoch ms."""
        asked = {"number = ?": number, "vehicle = ?": vehicle, "state = ?": state}
        given = {condition: value for condition, value in asked.items() if value is not None}
        sql = " AND ".join([_DOWNLINKS, *given]) + " ORDER BY number DESC LIMIT ?"
        return await self._dicts(sql, (now, *given.values(), limit))

    async def log(self, vehicle: str, limit: int) -> list[dict[str, Any]]:
        """The vehicle's log, the newest first; times are epoch ms."""
        return await self._dicts(
            "SELECT time, vehicle, kind, severity, text, received, document FROM notes WHERE vehicle = ?"
            " ORDER BY time DESC, number DESC LIMIT ?",
            (vehicle, limit),
        )

    async def logs(self, limit: int) -> list[dict[str, Any]]:
        """The entries of all vehicles, groups and device types, those first that came last."""
        return await self._dicts(
            "SELECT time, vehicle, kind, severity, text, received, document FROM notes ORDER BY number DESC LIMIT ?",
            (limit,),
        )

    async def rejections(self, *, before: int, limit: int, text: str) -> list[dict[str, Any]]:
        """Rejected requests with a number below `before` and `text` in what was wrong with them, the newest first."""
        return await self._dicts(
            "SELECT number, received, times, route, error, detail, length(body) AS body_bytes FROM rejected"
            " WHERE number < ? AND instr(lower(error || ' ' || detail), lower(?)) ORDER BY number DESC LIMIT ?",
            (before, text, limit),
        )

    async def rejection(self, number: int) -> dict[str, Any] | None:
        rows = await self._dicts(
            "SELECT number, received, times, route, error, detail, headers, body FROM rejected WHERE number = ?",
            (number,),
        )
        return rows[0] if rows else None

    async def rejected_numbers(self, *, after: int, through: int, limit: int, error: str = "") -> list[int]:
        """The oldest first; `error` narrows it down to those with this one."""
        rows = await self._all(
            "SELECT number FROM rejected WHERE number > ?1 AND number <= ?2 AND ?4 IN ('', error)"
            " ORDER BY number LIMIT ?3",
            (after, through, limit, error),
        )
        return [number for (number,) in rows]

    async def days(self, vehicle: str) -> list[dict[str, Any]]:
        """What came of the vehicle's frames with a seqNumber and what was lost, by day (UTC), oldest first."""
        return await self._dicts("SELECT * FROM days WHERE vehicle = ? ORDER BY day LIMIT ?", (vehicle, LISTED_MAX))

    async def vehicles_from(self, first: str, limit: int) -> list[str]:
        """The ids of known vehicles in their order, from `first` on."""
        rows = await self._all(
            "SELECT vehicle FROM vehicles WHERE vehicle >= ? ORDER BY vehicle LIMIT ?", (first, limit)
        )
        return [vehicle for (vehicle,) in rows]

    async def kept(self, vehicle: str, first: int, last: int, after: Sequence[Any], limit: int) -> list[Kept]:
        """The vehicle's statuses from `first` to `last` (epoch ms, both included), the oldest first.

        Of these, the ones behind `after`: (time, seqNumber or -1, id).
        """
        return [_kept(row) for row in await self._all(_KEPT, (vehicle, first, last, *after, limit))]

    async def flagged(self, vehicle: str) -> dict[str, int]:
        """Flag → how many of the vehicle's kept statuses have it."""
        counts: Counter[str] = Counter()
        for flags, statuses in await self._all(_FLAGGED, (vehicle,)):
            counts.update(dict.fromkeys(flags.split(), statuses))
        return dict(counts)

    async def last_flagged(self, vehicle: str, flag: str) -> Kept | None:
        """The vehicle's newest status that has the flag."""
        rows = await self._all(_LAST_FLAGGED, (vehicle, flag))
        return _kept(rows[0]) if rows else None

    async def format_uses(self) -> list[dict[str, Any]]:
        """By format (a name or a grammar): how many vehicles and device types have it as theirs."""
        return await self._dicts(_FORMAT_USES, (LISTED_MAX,))

    async def format_users(self, name: str) -> dict[str, list[str]]:
        """Whose format it is."""
        vehicles = await self._all(
            "SELECT vehicle FROM vehicles WHERE format = ? ORDER BY vehicle LIMIT ?", (name, LISTED_MAX)
        )
        types = await self._all(
            "SELECT device_type FROM device_types WHERE format = ? ORDER BY device_type LIMIT ?", (name, LISTED_MAX)
        )
        return {"vehicles": [one for (one,) in vehicles], "device_types": [one for (one,) in types]}

    async def device_types(self) -> list[dict[str, Any]]:
        return await self._dicts(
            "SELECT device_type, format, created FROM device_types ORDER BY device_type LIMIT ?", (LISTED_MAX,)
        )

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

    async def rows(self, sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        """For questions that stand in a module of their own."""
        return await self._dicts(sql, values)

    async def _all(self, sql: str, values: Sequence[Any]) -> list[Any]:
        with trio.move_on_after(QUESTION_TIMEOUT_S):
            async with self._turn:
                return await self._ask(sql, values)
        raise Unavailable("the database is slow: ask again later", retry_after_s=5)

    async def _ask(self, sql: str, values: Sequence[Any]) -> list[Any]:
        answered = False
        try:
            rows = list(await aio_as_trio(self._connection.execute_fetchall)(sql, values))
            answered = True
            return rows
        except sqlite3.Error as error:
            raise Unavailable(f"the database cannot be read ({error}): ask again later") from error
        finally:
            # Who asked is gone or was told to come back: the question must not go on and hold up the next ones.
            if not answered:
                with trio.CancelScope(shield=True):
                    await aio_as_trio(self._connection.interrupt)()

    async def _dicts(self, sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        return [dict(row) for row in await self._all(sql, values)]


async def _connect(path: Path) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(reader_uri(path), uri=True, isolation_level=None)
    connection.row_factory = sqlite3.Row
    for pragma in READER_PRAGMAS:
        await connection.execute_fetchall(pragma)
    return connection


def _kept(row: Any) -> Kept:
    vehicle, identity, time, seq, *rest = row
    return Kept(vehicle, identity, time, None if seq < 0 else seq, *rest)


def _status(row: Any) -> StatusRow:
    identity, time, seq, connectivity, payload, fields, flags = row
    return StatusRow(identity, time, None if seq < 0 else seq, connectivity, payload, orjson.loads(fields), flags)
