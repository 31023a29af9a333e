"""Times as people write and read them on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from evd.clock import now_ms
from evd.errors import ConfigError
from evd.model.units import DAY_S, HOUR_S, MINUTE_S

_SECONDS = {"s": 1, "m": MINUTE_S, "h": HOUR_S, "d": DAY_S, "w": 7 * DAY_S}
_DURATION = re.compile("([0-9]{1,9})([smhdw])")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def duration_s(text: str) -> int:
    """Seconds of `90s`, `15m`, `12h`, `2d` or `1w`. Raises ConfigError."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ConfigError(f"{text!r} is not a duration: write a number and s, m, h, d or w, for example 2d")
    return int(found[1]) * _SECONDS[found[2]]


def parse_when(text: str, now: int) -> int:
    """Epoch ms of an ISO time, or of `2h`, `7d` … before `now`. Raises ConfigError."""
    ago = _DURATION.fullmatch(text)
    if ago:
        return max(now - int(ago[1]) * _SECONDS[ago[2]] * 1000, 1)
    try:
        moment = datetime.fromisoformat(text)
        return max(int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000), 1)
    except (ValueError, OverflowError):
        raise ConfigError(f"{text!r} is not a time: write 2026-03-01T08:00Z, or 90m, 2h, 7d for so long ago") from None


class When(NamedTuple):
    """A moment in a table, epoch ms: exact, in local time; the heading has the zone."""

    ms: int
    to_ms: bool = False
    """Whether milliseconds are shown."""


def when(ms: int | None, *, to_ms: bool = False) -> When | None:
    """None stays None, which a table shows as a dash."""
    return None if ms is None else When(ms, to_ms)


def local(ms: int) -> datetime:
    """In the zone of this machine, or of `TZ`; UTC where the calendar ends."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    try:
        return moment.astimezone()
    except (OverflowError, ValueError, OSError):
        return moment


def exact(moment: When) -> str:
    text = f"{local(moment.ms):%Y-%m-%d %H:%M:%S}"
    return f"{text}.{moment.ms % 1000:03}" if moment.to_ms else text


def zone(ms: int) -> str:
    """Its name at that moment, as `CET`."""
    return local(ms).tzname() or "UTC"


def stamp(ms: int, *, to_ms: bool = False) -> str:
    """`2026-11-28 08:02:11 CET`."""
    return f"{exact(When(ms, to_ms))} {zone(ms)}"


def moment(ms: int, now: int | None = None) -> str:
    """For a sentence: `2026-11-28 08:02:11 CET (3 min ago)`."""
    return f"{stamp(ms)} ({ago(ms, now_ms() if now is None else now)})"


_STEPS = ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min"), (1, "s"))
_TWICE = 2
"""Of a unit: below that the next smaller one says more."""


def ago(ms: int, now: int) -> str:
    """`3 min ago`, `in 5 h`, `now`."""
    seconds = abs(now - ms) // 1000
    if not seconds:
        return "now"
    size, unit = next(((size, unit) for size, unit in _STEPS if seconds >= _TWICE * size), (1, "s"))
    return f"{seconds // size} {unit} ago" if ms < now else f"in {seconds // size} {unit}"
