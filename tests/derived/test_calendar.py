"""Hours and days, where clocks are set and where zones are half an hour off."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.derived.calendar import EPOCH, day_at, day_numbered, part_at, zone_named
from evd.model.status import TIME_MAX_MS
from evd.model.units import HOUR_MS, MINUTE_MS

ZONES = ["UTC", "Europe/Bratislava", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Santiago"]


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Bratislava", "2026-03-29", 23),
        ("Europe/Bratislava", "2026-10-25", 25),
        ("Europe/Bratislava", "2026-06-01", 24),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("America/Santiago", "2026-09-06", 23),  # clocks are set at midnight, which does not exist
        ("Pacific/Apia", "2011-12-29", 24),
        ("UTC", "2026-03-29", 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(zone: str, day: str, hours: float) -> None:
    span = day_numbered(date.fromisoformat(day).toordinal() - EPOCH, zone)
    assert (span.until - span.start) / HOUR_MS == hours
    assert datetime.fromtimestamp(span.start / 1000, ZoneInfo(zone)).date().isoformat() == day
    assert datetime.fromtimestamp(span.until / 1000 - 0.001, ZoneInfo(zone)).date().isoformat() == day


def test_an_hour_in_which_a_day_ends_has_two_parts() -> None:
    before, after = part_at(at("2026-06-01T18:29:59"), "Asia/Kolkata"), part_at(at("2026-06-01T18:30"), "Asia/Kolkata")
    assert (before.start, before.until) == (at("2026-06-01T18:00"), at("2026-06-01T18:30"))
    assert (after.start, after.until) == (at("2026-06-01T18:30"), at("2026-06-01T19:00"))
    assert after.day == before.day + 1


@given(st.integers(0, TIME_MAX_MS), st.sampled_from(ZONES))
def test_every_moment_is_in_one_part_of_one_hour_and_one_day(time: int, zone: str) -> None:
    part, day = part_at(time, zone), day_at(time, zone)
    assert part.start <= time < part.until <= part.start - part.start % HOUR_MS + HOUR_MS
    assert day.start <= part.start
    assert part.until <= day.until
    assert part.day == day.day
    assert part_at(part.start, zone) == part_at(part.until - 1, zone) == part
    assert part_at(part.until, zone).start == part.until or part.until > TIME_MAX_MS - 48 * 60 * MINUTE_MS


def test_a_zone_that_is_none() -> None:
    assert zone_named("Mars/Olympus") is zone_named("../etc/passwd") is zone_named("a" * 300) is None
    assert str(zone_named(None)) == "UTC"
