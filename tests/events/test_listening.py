"""Since when evd has been listening: across a stop, and where the clock jumps."""

from __future__ import annotations

import pytest

from evd.events.listening import JUMP_MS, ListeningTime, listening_since
from evd.model.units import HOUR_MS, MINUTE_MS

NOW = 1_700_000_000_000


@pytest.mark.parametrize(
    ("last_alive", "before", "since"),
    [
        (None, None, NOW),
        (NOW, None, 0),
        (NOW - 10 * MINUTE_MS, None, 0),
        (NOW - 10 * MINUTE_MS, NOW - 20 * MINUTE_MS, NOW - 20 * MINUTE_MS),
        (NOW - HOUR_MS, NOW - 20 * HOUR_MS, NOW),
        (NOW + HOUR_MS, None, NOW),
    ],
)
def test_silence_counts_from_before_a_start_only_if_evd_was_away_for_a_moment(
    last_alive: int | None, before: int | None, since: int
) -> None:
    assert listening_since(last_alive, before, NOW) == since


@pytest.mark.parametrize(
    ("gained_ms", "since"), [(0, 5), (JUMP_MS, 5), (-JUMP_MS, 5), (JUMP_MS + 1, None), (-JUMP_MS - 1, None)]
)
def test_a_clock_that_jumps_has_the_time_begin_anew(gained_ms: int, since: int | None) -> None:
    listening = ListeningTime(5)
    listening.set_clock(100.0, NOW)
    later = NOW + 60_000 + gained_ms
    listening.detect_clock_jump(160.0, later)
    assert listening.since == (later if since is None else since)
    listening.detect_clock_jump(161.0, later + 1000)
    assert listening.since == (later if since is None else since), "one jump counts once"
