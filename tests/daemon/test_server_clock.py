"""evd's time where the server's clock is behind: what evd saw before, and what Sigfox says, against it."""

from __future__ import annotations

import pytest
from builders import NOW
from wall_machine import Machine

from evd.daemon.server_clock import AGREE_MS, STEP_BACK_MS, VOTES
from evd.model.units import DAY_MS, HOUR_MS, MINUTE_MS


@pytest.mark.parametrize(
    ("alive", "behind_ms"),
    [
        pytest.param(None, 0, id="the first start: nothing is known"),
        pytest.param(NOW - DAY_MS, 0, id="evd was away"),
        pytest.param(NOW, 0, id="a restart"),
        pytest.param(NOW + STEP_BACK_MS, 0, id="set back a little"),
        pytest.param(NOW + STEP_BACK_MS + 1, STEP_BACK_MS + 1, id="set back"),
        pytest.param(NOW + 2 * DAY_MS, 2 * DAY_MS, id="two days behind"),
    ],
)
def test_a_start_before_evd_was_last_alive_is_no_time(alive: int | None, behind_ms: int) -> None:
    machine = Machine()
    clock = machine.clock(alive)
    assert (clock(), clock.behind_ms, clock.doubted) == (NOW + behind_ms, behind_ms, behind_ms > 0)
    machine.passes(MINUTE_MS)
    clock.look()
    assert clock() == NOW + behind_ms + MINUTE_MS, "both go on"


def test_who_trusts_the_clock_is_given_its_time() -> None:
    clock = Machine().clock(NOW + 2 * DAY_MS, trusted=True)
    clock.look()
    assert (clock(), clock.doubted) == (NOW, False)


def test_a_clock_that_is_set_back_while_evd_runs_is_not_followed_and_one_that_is_set_right_is() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.time -= 2 * DAY_MS
    clock.look()
    machine.passes(MINUTE_MS)
    assert (clock(), clock.behind_ms) == (NOW + MINUTE_MS, 2 * DAY_MS)
    machine.time += 2 * DAY_MS
    clock.look()
    assert (clock(), clock.doubted, clock.take_jump()) == (NOW + MINUTE_MS, False, False)


def test_a_drift_is_followed_either_way() -> None:
    machine = Machine()
    clock = machine.clock()
    for step in (-50 * MINUTE_MS,) * 10 + (50 * MINUTE_MS,) * 20:
        machine.time += step
        clock.look()
        assert (clock(), clock.take_jump()) == (machine.time, False)


@pytest.mark.parametrize(
    ("alive", "set_forward", "jumps"),
    [
        pytest.param(None, 0, False, id="nothing"),
        pytest.param(None, 30 * MINUTE_MS, False, id="a little"),
        pytest.param(None, 2 * DAY_MS, True, id="while it ran"),
        pytest.param(NOW - HOUR_MS, 0, False, id="a short stop"),
        pytest.param(NOW - 2 * DAY_MS, 0, True, id="before the start, or evd was away"),
    ],
)
def test_a_clock_that_went_forward_by_a_jump_was_wrong_before(alive: int | None, set_forward: int, jumps: bool) -> None:
    machine = Machine()
    clock = machine.clock(alive)
    machine.time += set_forward
    machine.passes(1000)
    clock.look()
    assert [clock.take_jump(), clock.take_jump()] == [jumps, False]


def test_while_the_clock_is_doubted_messages_say_how_late_it_is() -> None:
    """evd was away for three days, and its machine came back without the time."""
    machine = Machine(NOW - 100 * DAY_MS)
    clock = machine.clock(NOW)
    for seconds in range(VOTES):
        assert clock() < NOW + DAY_MS
        clock.heard(NOW + 3 * DAY_MS + seconds * 1000)
    assert abs(clock() - (NOW + 3 * DAY_MS)) < MINUTE_MS
    assert (clock.doubted, clock.take_jump()) == (True, True)
    machine.passes(MINUTE_MS)
    clock.look()
    assert abs(clock() - (NOW + 3 * DAY_MS)) < 2 * MINUTE_MS, "that holds"


def test_where_messages_agree_with_the_wall_clock_it_was_wrong_before() -> None:
    """It was two years ahead once, and that was the last that evd knew."""
    machine = Machine()
    clock = machine.clock(NOW + 700 * DAY_MS)
    for _ in range(VOTES):
        assert clock.doubted
        machine.passes(1000)
        clock.heard(machine.time - MINUTE_MS)
    assert (clock(), clock.doubted) == (machine.time, False)
    clock.look()
    assert clock() == machine.time


@pytest.mark.parametrize(
    "times",
    [
        pytest.param([90 * DAY_MS] * (VOTES - 1), id="too few"),
        pytest.param([90 * DAY_MS, 80 * DAY_MS] * VOTES, id="which disagree"),
        pytest.param([90 * DAY_MS, 90 * DAY_MS, 2 * DAY_MS] * VOTES, id="and one that agrees with evd"),
        pytest.param([-DAY_MS, DAY_MS, DAY_MS + HOUR_MS] * VOTES, id="late ones"),
        pytest.param([2 * DAY_MS + AGREE_MS] * VOTES, id="as evd has it"),
    ],
)
def test_other_messages_move_no_clock(times: list[int]) -> None:
    clock = Machine().clock(NOW + 2 * DAY_MS)
    for later in times:
        clock.heard(NOW + later)
    assert clock.behind_ms == 2 * DAY_MS


def test_messages_move_no_clock_that_is_believed() -> None:
    clock = Machine().clock(NOW - MINUTE_MS)
    for _ in range(2 * VOTES):
        clock.heard(NOW + 90 * DAY_MS)
    assert (clock(), clock.doubted) == (NOW, False)
