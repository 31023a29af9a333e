"""A wall clock that was set is noticed beside one that never jumps."""

from __future__ import annotations

import pytest
from builders import NOW

from evd.push.clock_jumps import JUMP_MS, ClockJumps


def started() -> ClockJumps:
    jumps = ClockJumps(lenient_s=3600)
    jumps.begin(1000.0, NOW)
    return jumps


@pytest.mark.parametrize("drift_ms", [-JUMP_MS, 0, JUMP_MS])
def test_clocks_may_drift_by_a_minute(drift_ms: int) -> None:
    jumps = started()
    assert jumps.gained_ms(1010.0, NOW + 10_000 + drift_ms) == 0
    assert not jumps.lenient(1010.0)


@pytest.mark.parametrize("jump_ms", [-10 * JUMP_MS, -JUMP_MS - 1, JUMP_MS + 1, 10**11])
def test_a_jump_is_reported_once_with_its_length(jump_ms: int) -> None:
    jumps = started()
    assert jumps.gained_ms(1010.0, NOW + 10_000 + jump_ms) == jump_ms
    assert jumps.gained_ms(1020.0, NOW + 20_000 + jump_ms) == 0


def test_for_a_while_after_a_jump_nothing_counts_as_old() -> None:
    jumps = started()
    assert not jumps.lenient(1000.0)
    jumps.gained_ms(1010.0, NOW + 10 * JUMP_MS)
    assert jumps.lenient(1010.0)
    assert jumps.lenient(1010.0 + 3599)
    assert not jumps.lenient(1010.0 + 3600)
