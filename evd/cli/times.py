"""Times as people write and read them on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

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


def utc_time(ms: int | None) -> str | None:
    """Epoch ms as text; None stays None, which a table shows as a dash."""
    return None if ms is None else f"{_EPOCH + timedelta(milliseconds=ms):%Y-%m-%d %H:%M:%S}"


def utc_time_ms(ms: int | None) -> str | None:
    """As `utc_time`, to the millisecond."""
    return None if ms is None else f"{utc_time(ms)}.{ms % 1000:03}"
