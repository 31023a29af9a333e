"""Times of the API: read in either form, shown in both."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.api.times import read_time, rfc3339, shown_time
from evd.errors import BadRequest
from evd.model.status import TIME_MAX_MS


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0", 0),
        ("1639400000123", 1_639_400_000_123),
        ("1970-01-01T00:00:00Z", 0),
        ("2021-12-13T12:53:20.123Z", 1_639_400_000_123),
        ("2021-12-13t12:53:20.123456789z", 1_639_400_000_123),
        ("2021-12-13T13:53:20+01:00", 1_639_400_000_000),
        ("2021-12-13T13:53:20 01:00", 1_639_400_000_000),
    ],
)
def test_a_time_is_read_in_either_form(text: str, ms: int) -> None:
    assert read_time(text, "from") == ms


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "-1", "1e3", "1" * 21, str(TIME_MAX_MS + 1), "1969-12-31T23:59:59Z", "2021-12-13"),
        *("2021-12-13T12:53:20", "2021-13-01T00:00:00Z", "2021-12-13T12:53Z", "0001-01-01T00:00:00+23:59"),
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=r"from is .* no time"):
        read_time(text, "from")


@given(st.integers(0, TIME_MAX_MS))
def test_a_time_that_is_shown_is_read_as_it_was(ms: int) -> None:
    assert read_time(rfc3339(ms), "from") == ms
    assert shown_time("sent", ms) == {"sent": rfc3339(ms), "sent_ms": ms}


def test_no_time_is_null_twice() -> None:
    assert shown_time("sent", None) == {"sent": None, "sent_ms": None}
