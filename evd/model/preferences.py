"""A user's preferences for events: which kinds, which quiet hours, and which language."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from evd.errors import BadRequest
from evd.model.event_settings import KINDS

Language = Literal["en", "sk"]

_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class Preferences(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The preferences of one user. `quiet_hours`, such as 22:00-07:00, are in `time_zone`, such as Europe/Bratislava;
    empty: none."""

    kinds: Annotated[dict[str, bool], msgspec.Meta(max_length=64)] = {}
    """Kind → whether the user gets it; a kind that is not named counts as wanted."""
    quiet_hours: Annotated[str, msgspec.Meta(max_length=16)] = ""
    time_zone: Annotated[str, msgspec.Meta(max_length=64)] = ""
    language: Language = "en"


DEFAULTS = Preferences()


def read(settings: bytes | None) -> Preferences:
    """The stored preferences; the defaults if they cannot be read."""
    if settings is None:
        return DEFAULTS
    try:
        return _preferences.decode(settings)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return DEFAULTS


def parse(document: Any) -> Preferences:
    """Preferences from a request. Raises BadRequest with a sentence that names the field."""
    try:
        preferences = msgspec.convert(document, Preferences)
    except msgspec.ValidationError as error:
        raise BadRequest(f"the preferences are refused: {error}".replace(" - at `$.", ": see `")) from None
    if unknown := [kind for kind in preferences.kinds if kind not in KINDS]:
        raise BadRequest(f"kinds: there is no kind {unknown[0][:40]!r}: use some of {', '.join(KINDS)}")
    hours, zone = preferences.quiet_hours, preferences.time_zone
    if hours and _hours(hours) is None:
        raise BadRequest(f"quiet_hours is {hours!r}: two times of the day are needed, as 22:00-07:00")
    if zone and _zone(zone) is None:
        raise BadRequest(f"time_zone is {zone!r}: a name of the time zone database is needed, as Europe/Bratislava")
    if hours and not zone:
        raise BadRequest("quiet_hours needs time_zone: a name of the time zone database, as Europe/Bratislava")
    return preferences


def when(preferences: Preferences, kind: str, now_ms: int) -> int | None:
    """When to send an event of `now_ms` (epoch ms): at once, when the quiet hours end, or (None) not at all."""
    if not preferences.kinds.get(kind, True):
        return None
    hours, zone = _hours(preferences.quiet_hours), _zone(preferences.time_zone)
    if hours is None or zone is None:
        return now_ms
    try:
        return _end_of_quiet(*hours, zone, now_ms)
    except (ValueError, OverflowError, OSError):  # a time outside the calendar
        return now_ms


def _end_of_quiet(start: time, end: time, zone: ZoneInfo, now_ms: int) -> int:
    """By local time: an hour that summer time repeats is quiet twice, an end that it skips comes later."""
    local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    wall = local.time()
    quiet = start <= wall < end if start < end else wall >= start or wall < end
    if not quiet:
        return now_ms
    date = local.date() if wall < end else local.date() + timedelta(days=1)
    for fold in (0, 1):
        ends = datetime.combine(date, end.replace(fold=fold), zone)
        ends_ms = round(ends.timestamp() * 1000)
        if ends_ms > now_ms:
            return ends_ms
    return now_ms


def _hours(text: str) -> tuple[time, time] | None:
    found = _QUIET.fullmatch(text)
    if found is None:
        return None
    hour, minute, until_hour, until_minute = map(int, found.groups())
    start, end = time(hour, minute), time(until_hour, until_minute)
    return (start, end) if start != end else None


def _zone(name: str) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such zone, no name of one, a folder of zones
        return None


_preferences = msgspec.json.Decoder(Preferences)
