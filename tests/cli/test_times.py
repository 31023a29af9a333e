"""Times as a person types them."""

from __future__ import annotations

import time

import pytest
from backfill_messages import NOW

from evd.cli.times import ago, moment, parse_when
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


@pytest.mark.parametrize(
    ("before_s", "said"),
    [(0, "now"), (1, "1 s ago"), (119, "119 s ago"), (120, "2 min ago"), (7_199, "119 min ago"), (7_200, "2 h ago"),
     (172_799, "47 h ago"), (172_800, "2 d ago"), (-90, "in 90 s"), (-400 * 86_400, "in 400 d")],
)  # fmt: skip
def test_how_long_ago_is_said_in_the_unit_that_says_most(before_s: int, said: str) -> None:
    assert ago(NOW - before_s * 1000, NOW) == said


def test_a_moment_is_exact_and_relative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert moment(NOW, NOW + 180_000) == "2023-11-14 17:13:20 EST (3 min ago)"
        assert moment(253_402_300_799_000, NOW).startswith("9999-12-31 "), "the calendar's last second"
    finally:
        monkeypatch.undo()
        time.tzset()
