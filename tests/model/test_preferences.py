"""Which events a user is told, and when: at once, or when his quiet hours end, by the clock on his wall."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import BadRequest
from evd.model import preferences
from evd.model.preferences import Preferences

BRATISLAVA = "Europe/Bratislava"
NIGHT = Preferences(quiet_hours="22:00-07:00", time_zone=BRATISLAVA)


def ms(text: str) -> int:
    """Epoch ms of a time with its offset."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("hours", "now", "due"),
    [
        # an ordinary night, in winter and in summer
        ("22:00-07:00", "2026-01-15T21:59:59+01:00", None),
        ("22:00-07:00", "2026-01-15T22:00:00+01:00", "2026-01-16T07:00:00+01:00"),
        ("22:00-07:00", "2026-01-16T00:30:00+01:00", "2026-01-16T07:00:00+01:00"),
        ("22:00-07:00", "2026-01-16T07:00:00+01:00", None),
        ("22:00-07:00", "2026-07-15T23:00:00+02:00", "2026-07-16T07:00:00+02:00"),
        # within one day
        ("12:00-14:30", "2026-01-15T13:00:00+01:00", "2026-01-15T14:30:00+01:00"),
        ("12:00-14:30", "2026-01-15T15:00:00+01:00", None),
        ("00:00-23:59", "2026-01-15T00:00:00+01:00", "2026-01-15T23:59:00+01:00"),
        # the night of 29 March 2026 has no hour from 2 to 3
        ("22:00-07:00", "2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"),
        ("22:00-07:00", "2026-03-29T03:00:00+02:00", "2026-03-29T07:00:00+02:00"),
        ("22:00-02:30", "2026-03-29T01:59:00+01:00", "2026-03-29T03:30:00+02:00"),
        ("22:00-02:30", "2026-03-29T03:00:00+02:00", None),
        ("02:10-02:50", "2026-03-29T01:59:00+01:00", None),
        # the night of 25 October 2026 has that hour twice
        ("22:00-07:00", "2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"),
        ("22:00-07:00", "2026-10-25T02:30:00+01:00", "2026-10-25T07:00:00+01:00"),
        ("22:00-02:30", "2026-10-25T02:10:00+02:00", "2026-10-25T02:30:00+02:00"),
        ("22:00-02:30", "2026-10-25T02:40:00+02:00", None),
        ("22:00-02:30", "2026-10-25T02:10:00+01:00", "2026-10-25T02:30:00+01:00"),
    ],
)
def test_what_happens_in_quiet_hours_is_sent_when_they_end(hours: str, now: str, due: str | None) -> None:
    mine = Preferences(quiet_hours=hours, time_zone=BRATISLAVA)
    assert preferences.when(mine, "silent", ms(now)) == ms(due or now)


def test_quiet_hours_are_those_of_the_users_zone() -> None:
    midnight = ms("2026-01-16T00:00:00+01:00")
    auckland = Preferences(quiet_hours="22:00-07:00", time_zone="Pacific/Auckland")
    assert preferences.when(auckland, "silent", midnight) == midnight
    assert preferences.when(NIGHT, "silent", midnight) == ms("2026-01-16T07:00:00+01:00")


@pytest.mark.parametrize(
    ("kinds", "kind", "told"),
    [({}, "left", True), ({"left": False}, "left", False), ({"left": False}, "silent", True), ({}, "new", True)],
)
def test_a_kind_is_sent_unless_the_user_does_not_want_it(kinds: dict[str, bool], kind: str, told: bool) -> None:
    assert preferences.when(Preferences(kinds=kinds), kind, 1) == (1 if told else None)


a_time_of_day = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
a_moment = st.integers(ms("2026-01-01T00:00:00+00:00"), ms("2027-01-01T00:00:00+00:00"))


@given(a_time_of_day, a_time_of_day, a_moment, st.sampled_from([BRATISLAVA, "America/St_Johns", "Pacific/Auckland"]))
def test_what_was_held_is_sent_within_a_day_and_outside_of_quiet_hours(
    start: str, end: str, now: int, zone: str
) -> None:
    mine = Preferences(quiet_hours=f"{start}-{end}", time_zone=zone)
    due = preferences.when(mine, "silent", now)
    assert due is not None
    assert now <= due <= now + 26 * 3_600_000
    assert preferences.when(mine, "silent", due) == due
    if due > now and start != end:
        wall = datetime.fromtimestamp(due / 1000, ZoneInfo(zone))
        assert f"{wall:%H:%M}" == end or wall.dst() != datetime.fromtimestamp(now / 1000, ZoneInfo(zone)).dst()


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_time_that_no_calendar_has_is_not_held(now: int) -> None:
    due = preferences.when(NIGHT, "silent", now)
    assert due is not None
    assert due >= now


@pytest.mark.parametrize(
    ("document", "part"),
    [
        ({"kinds": {"tarte": True}}, "kinds: there is no kind 'tarte'"),
        ({"kinds": {"silent": "no"}}, "kinds"),
        ({"quiet_hours": "22-7", "time_zone": BRATISLAVA}, "quiet_hours is '22-7'"),
        ({"quiet_hours": "24:00-07:00", "time_zone": BRATISLAVA}, "quiet_hours"),
        ({"quiet_hours": "07:00-07:00", "time_zone": BRATISLAVA}, "quiet_hours"),
        ({"quiet_hours": "22:00-07:00"}, "quiet_hours needs time_zone"),
        ({"time_zone": "Europe/Bratislavva"}, "time_zone is 'Europe/Bratislavva'"),
        ({"time_zone": "Europe"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"language": "de"}, "language"),
        ({"quite_hours": ""}, "quite_hours"),
        ([], "object"),
    ],
)
def test_preferences_that_cannot_be_are_refused_with_a_sentence_that_names_them(document: Any, part: str) -> None:
    with pytest.raises(BadRequest, match=part):
        preferences.parse(document)


def test_preferences_outlive_their_text() -> None:
    document = {"kinds": {"left": False}, "quiet_hours": "22:00-07:00", "time_zone": BRATISLAVA, "language": "sk"}
    assert preferences.read(msgspec.json.encode(preferences.parse(document))) == Preferences(**document)


@pytest.mark.parametrize("stored", [None, b"", b"{", b"[]", b"\xff", b'{"language": "xx"}'])
def test_of_what_cannot_be_read_the_defaults_hold(stored: bytes | None) -> None:
    assert preferences.read(stored) == Preferences()


@pytest.mark.parametrize("odd", [{"time_zone": "Nowhere/Land"}, {"quiet_hours": "rubbish"}])
def test_quiet_hours_that_cannot_be_read_hold_nothing(odd: dict[str, str]) -> None:
    """A zone may be gone from the database of a later system."""
    odd_one = msgspec.structs.replace(NIGHT, **odd)
    midnight = ms("2026-01-16T00:00:00+01:00")
    assert preferences.when(odd_one, "silent", midnight) == midnight
