"""Times in /api/v1: each as RFC 3339 in UTC under its name, and as epoch ms under its name and `_ms`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from quart import request

from evd.errors import BadRequest
from evd.model.status import TIME_MAX_MS
from evd.model.units import DAY_MS, MINUTE_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DATES = 1024
"""Texts of days that are kept, since the rows of an answer share a few: half of what a time costs."""

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def shown_time(name: str, ms: int | None) -> dict[str, str | int | None]:
    """The two members of a document; both are null for None."""
    return {name: None if ms is None else rfc3339(ms), f"{name}_ms": ms}


def rfc3339(ms: int) -> str:
    """`2026-11-27T21:36:54.123Z`, always with milliseconds."""
    day, rest = divmod(ms, DAY_MS)
    minutes, rest = divmod(rest, MINUTE_MS)
    return f"{_date(day)}T{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}Z"


def day_of(ms: int) -> str:
    """`2026-11-27`, in UTC."""
    return _date(ms // DAY_MS)


@lru_cache(DATES)
def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def asked_time(name: str, usual: int) -> int:
    """A time of the query, epoch ms: RFC 3339, or the number itself; `usual` where none is given. Raises BadRequest."""
    text = request.args.get(name)
    return usual if text is None else read_time(text, name)


def read_time(text: str, name: str) -> int:
    """What is finer than a millisecond is cut off. Raises BadRequest, which calls the time `name`."""
    ms = _number(text) if text.isascii() and text.isdigit() else _written(text)
    if ms is None or not 0 <= ms <= TIME_MAX_MS:
        raise BadRequest(
            f"{name} is {text[:40]!r}, which is no time: write 2026-11-27T21:36:54Z, or milliseconds since 1970"
        )
    return ms


def _number(text: str) -> int | None:
    return int(text) if len(text) <= 20 else None


def _written(text: str) -> int | None:
    # In a query a plus sign that is not escaped becomes a space.
    text = re.sub(r" (\d\d:\d\d)$", r"+\1", text)
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return (datetime.fromisoformat(text.upper()) - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return None
