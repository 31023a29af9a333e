"""Times as a person types them."""

from __future__ import annotations

import pytest
from backfill_messages import NOW

from evd.cli.times import parse_when
from evd.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2h", NOW - 7_200_000),
        ("7d", NOW - 7 * 86_400_000),
        ("90m", NOW - 5_400_000),
        ("2w", NOW - 14 * 86_400_000),
        ("30s", NOW - 30_000),
        ("999999999w", 1),
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14 22:13:20", NOW),
        ("2023-11-14T23:13:20+01:00", NOW),
        ("2023-11-14", NOW - 80_000_000),
    ],
)
def test_a_time_is_iso_or_so_long_ago(text: str, ms: int) -> None:
    assert parse_when(text, NOW) == ms


@pytest.mark.parametrize("text", ["", "yesterday", "2 h", "-1d", "2y", "9999-99-99"])
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a time"):
        parse_when(text, NOW)
