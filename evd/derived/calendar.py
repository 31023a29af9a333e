"""Hours (UTC) and days (of the vehicle's zone), with the parts that both are made of.

A part is an hour, or what lies of an hour on one side of the vehicle's midnight: where a zone is half an hour off, its
days do not begin with an hour of UTC. A day has 23, 24 or 25 hours, as the zone's clocks are set.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from evd.model.units import DAY_MS, HOUR_MS

EPOCH = date(1970, 1, 1).toordinal()

UTC_NAME = "UTC"
"""The zone of a vehicle that has none of its own."""


class Span(NamedTuple):
    """From `start` to `until`, which is not included (epoch ms), of the local day `day` (days since 1970-01-01)."""

    start: int
    until: int
    day: int


def zone_named(name: str | None) -> ZoneInfo | None:
    """The zone, UTC if there is no name; None if there is no such zone."""
    try:
        return ZoneInfo(name or UTC_NAME)
    except (KeyError, ValueError, OSError):
        return None


def day_at(time: int, zone: str) -> Span:
    """The day of the zone at a time (epoch ms)."""
    try:
        here = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time)).astimezone(ZoneInfo(zone))
        return day_numbered(here.date().toordinal() - EPOCH, zone)
    except (OverflowError, ValueError):  # at the end of the year 9999
        return Span(time - time % DAY_MS, time - time % DAY_MS + DAY_MS, time // DAY_MS)


@lru_cache(maxsize=4096)
def day_numbered(day: int, zone: str) -> Span:
    """A day by its number. Raises OverflowError, ValueError beyond the year 9999."""
    there = ZoneInfo(zone)
    return Span(_midnight(day, there), _midnight(day + 1, there), day)


def part_at(time: int, zone: str) -> Span:
    """The part at a time (epoch ms)."""
    hour = time - time % HOUR_MS
    if zone == UTC_NAME:
        return Span(hour, hour + HOUR_MS, time // DAY_MS)
    day = day_at(time, zone)
    return Span(max(hour, day.start), min(hour + HOUR_MS, day.until), day.day)


def clock_at(time: int, zone: str) -> str:
    """What clocks of the zone show at a time (epoch ms), as `22:00`."""
    return datetime.fromtimestamp(time / 1000, ZoneInfo(zone)).strftime("%H:%M")


def _midnight(day: int, zone: ZoneInfo) -> int:
    """When a local day begins: where clocks are set at midnight, the first moment that has its date."""
    begins = datetime.combine(date.fromordinal(EPOCH + day), datetime.min.time(), tzinfo=zone)
    return round(begins.timestamp() * 1000)
