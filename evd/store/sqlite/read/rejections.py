"""Queries for rejected requests."""

from __future__ import annotations

from evd.store.records import NUMBER_MAX, Listing, Rejection, RejectionSummary
from evd.store.sqlite.read.base import Questions


class SqliteRejectionQueries(Questions):
    """See `evd.store.queries.RejectionQueries`."""

    async def rejections(
        self, after: tuple[int] = (NUMBER_MAX,), *, limit: int, text: str
    ) -> Listing[RejectionSummary]:
        sql = (
            "SELECT number, received, times, route, error, detail, length(body) AS body_bytes, client"
            " FROM rejected"
            " WHERE number < ? AND instr(lower(error || ' ' || detail), lower(?)) ORDER BY number DESC LIMIT ?"
        )
        return await self.listing(sql, (*after, text), limit, by=("number",))

    async def rejection(self, number: int) -> Rejection | None:
        sql = (
            "SELECT number, received, times, route, error, detail, headers, body, client FROM rejected WHERE number = ?"
        )
        rows = await self.rows(sql, (number,), small=True)
        return rows[0] if rows else None

    async def rejected_numbers(self, *, after: int, through: int, limit: int, error: str = "") -> list[int]:
        rows = await self.tuples(
            "SELECT number FROM rejected WHERE number > ?1 AND number <= ?2 AND ?4 IN ('', error)"
            " ORDER BY number LIMIT ?3",
            (after, through, limit, error),
        )
        return [number for (number,) in rows]
