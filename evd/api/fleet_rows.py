"""Vehicles of a search as `/api/v1` shows them to whoever asks: as a list, and in the console's page."""

from __future__ import annotations

from typing import Any

from evd.api.context import here
from evd.api.in_pieces import in_pieces
from evd.api.shown_places import is_coarse_row
from evd.api.times import day_of
from evd.api.vehicle_rows import vehicle_row
from evd.auth.caller import Caller
from evd.model.units import DAY_MS
from evd.store.records import DayRow, Listing
from evd.store.vehicle_records import FleetRow, FleetSearch

STALE_AFTER_MS = 7 * DAY_MS
"""Longer than any usual silence; a vehicle that has said little has no usual one."""


async def fleet_rows(
    search: FleetSearch, after: tuple[Any, ...], limit: int, asking: Caller, *, today: bool
) -> tuple[Listing[FleetRow], list[dict[str, Any]]]:
    """The rows as the store has them and as they are shown. `today`: with the frames of the day (UTC) so far.

    Raises Unavailable.
    """
    queries, places, now = here().queries, here().places, here().clock()
    found = await queries.fleet(search, after, limit)

    def shown_row(row: FleetRow) -> dict[str, Any]:
        return vehicle_row(row, now, is_coarse=is_coarse_row(row, asking, places))

    shown = await in_pieces(shown_row, found.rows)
    if today:
        days = await queries.day_of(day_of(now), [row.vehicle for row in found.rows])
        frames = {day["vehicle"]: day for day in days}
        shown = [row | {"today": _frames(frames.get(row["vehicle"]))} for row in shown]
    return found, shown


def _frames(day: DayRow | None) -> dict[str, int] | None:
    return None if day is None else {"received": day["received"], "lost": day["lost"]}
