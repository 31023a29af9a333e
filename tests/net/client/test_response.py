"""Retry-After, as servers write it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.net.client.response import Response, retry_after_s

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2),
        (" 120 ", 120),
        ("0", 0),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("Mon, 99 Nov 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_nothing_else(value: str, seconds: float | None) -> None:
    assert retry_after_s(Response(503, {"retry-after": value}, b""), NOW) == seconds


def test_without_retry_after_there_is_none() -> None:
    assert retry_after_s(Response(503, {}, b""), NOW) is None


@given(st.text(max_size=60))
def test_no_retry_after_raises_or_is_negative_or_endless(value: str) -> None:
    seconds = retry_after_s(Response(503, {"retry-after": value}, b""), NOW)
    assert seconds is None or 0 <= seconds < 1e12
