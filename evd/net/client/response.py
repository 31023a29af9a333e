"""The answer to a request of evd."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import msgspec


class Response(msgspec.Struct, frozen=True):
    """A complete answer. Header names are lower case; values of a repeated one are joined by ", " (RFC 9110, 5.3)."""

    status: int
    headers: dict[str, str]
    body: bytes


def retry_after_s(response: Response, now: float) -> float | None:
    """The wait that Retry-After asks for, in s from `now` (epoch s); None if it is absent or invalid.

    RFC 9110, section 10.2.3: a number of seconds or an HTTP date. A past date gives 0.
    """
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value[:10])  # up to 300 years; more digits could become infinite
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None
