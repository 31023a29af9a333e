"""An answer to a request that evd sent."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import msgspec


class Response(msgspec.Struct, frozen=True):
    """An answer, whole. Header names are lower case; values of a repeated name are joined by ", " (RFC 9110 §5.3)."""

    status: int
    headers: dict[str, str]
    body: bytes


def retry_after_s(response: Response, now: float) -> float | None:
    """What Retry-After asks for, in s from `now` (epoch s); None if it is absent or nonsense.

    RFC 9110 §10.2.3: a number of seconds or an HTTP date. A date that is past gives 0.
    """
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value[:10])  # 300 years; more digits than a float holds would be infinite
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None
