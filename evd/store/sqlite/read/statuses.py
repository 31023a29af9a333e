"""Queries for statuses in their rings."""

from __future__ import annotations

from collections import Counter
from typing import Any

from evd.model.kept_status import KeptStatus
from evd.model.status import Status
from evd.store.records import PageLimit, SortKey, TimeSpan
from evd.store.sqlite.read import base
from evd.store.sqlite.read.base import Questions
from evd.store.sqlite.read.long_buckets import read_buckets
from evd.store.sqlite.read.status_rows import COLUMNS, KEPT, KEPT_OF_TABLE, OF_TABLE, kept_status_of, status_of
from evd.store.sqlite.ring_walk import Columns, Page, read_page
from evd.store.vehicle_records import Bucket

_FLAGGED = "SELECT flags, count(*) FROM ring WHERE vehicle = ? AND flags <> '' GROUP BY flags"

_LAST_FLAGGED = f"""
SELECT {KEPT} FROM ring
WHERE vehicle = ? AND ' ' || flags || ' ' LIKE '% ' || ? || ' %' ORDER BY position DESC LIMIT 1"""  # noqa: S608

_SINCE = """
SELECT time, seq, id FROM ring
WHERE vehicle = ? AND timely = 1 AND (time, seq) >= (?, ?) ORDER BY time DESC, seq DESC, position DESC LIMIT ?"""

_LASTS = "SELECT vehicle, time, seq, id FROM last ORDER BY vehicle LIMIT ?"

_OF_STATUS = Columns(OF_TABLE)
_OF_KEPT = Columns(KEPT_OF_TABLE)

OF_ONE_TIME = PageLimit(rows=16, size_bytes=256 * 1024)
"""A page for the statuses of one time, of which there are few."""


class SqliteStatusQueries(Questions):
    """See `evd.store.queries.StatusQueries`."""

    async def last(self, vehicle: str) -> Status | None:
        rows = await self.tuples(
            f"SELECT {COLUMNS} FROM last WHERE vehicle = ?",  # noqa: S608 (a constant)
            (vehicle,),
            small=True,
        )
        return status_of(vehicle, rows[0]) if rows else None

    async def range_page(
        self, span: TimeSpan, after: SortKey | None, room: PageLimit, *, down: bool = False
    ) -> tuple[list[Status], bool]:
        page = await self._page(span, after, _OF_STATUS, room, down)
        return [status_of(span.vehicle, row) for row in page.rows], page.more

    async def buckets(self, span: TimeSpan, width: int, limit: int, *, down: bool = False) -> tuple[list[Bucket], bool]:
        def work(connection: Any) -> tuple[list[Bucket], bool]:
            return read_buckets(connection, span, width, limit, down=down)

        key = ("buckets", span, width, limit, down)
        return await self._connections.large.ask(key, work, base.QUESTION_TIMEOUT_S)

    async def kept(self, span: TimeSpan, after: SortKey | None, room: PageLimit) -> tuple[list[KeptStatus], bool]:
        page = await self._page(span, after, _OF_KEPT, room)
        return [kept_status_of(span.vehicle, row) for row in page.rows], page.more

    async def at(self, vehicle: str, sort_key: SortKey) -> Status | None:
        time, seq, status_id = sort_key
        span, after, more = TimeSpan(vehicle, time, time), (time, seq, ""), True
        while more:
            rows, more = await self.range_page(span, after, OF_ONE_TIME)
            for row in rows:
                if row.status_id == status_id:
                    return row
                after = row.sort_key
        return None

    async def since(self, vehicle: str, sort_key: SortKey, limit: int) -> list[SortKey]:
        time, seq, status_id = sort_key
        sort_keys: list[SortKey] = await self.tuples(_SINCE, (vehicle, time, seq, limit + 1))
        behind = next((count for count, (_, _, other) in enumerate(sort_keys) if other == status_id), limit)
        return sort_keys[:behind][::-1]

    async def lasts(self, limit: int) -> list[tuple[str, SortKey]]:
        return [
            (vehicle, (time, seq, status_id)) for vehicle, time, seq, status_id in await self.tuples(_LASTS, (limit,))
        ]

    async def flagged(self, vehicle: str) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for flags, statuses in await self.tuples(_FLAGGED, (vehicle,)):
            counts.update(dict.fromkeys(flags.split(), statuses))
        return dict(counts)

    async def last_flagged(self, vehicle: str, flag: str) -> KeptStatus | None:
        rows = await self.tuples(_LAST_FLAGGED, (vehicle, flag))
        return kept_status_of(vehicle, rows[0]) if rows else None

    async def _page(
        self, span: TimeSpan, after: SortKey | None, columns: Columns, room: PageLimit, down: bool = False
    ) -> Page:
        def work(connection: Any) -> Page:
            return read_page(connection, span, after, columns, room, down=down)

        key = (span, after, columns, room, down)
        return await self._connections.large.ask(key, work, base.QUESTION_TIMEOUT_S)
