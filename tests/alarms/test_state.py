"""The state of the alarms: raised once, repeated, cleared, and kept across restarts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from watched_alarms import GIB, Watched

from evd.alarms.rules import MIB, RULES
from evd.alarms.state import AlarmMemory
from evd.model.daemon_state import (
    PauseReason,
)
from evd.model.units import HOUR_S


def test_a_standing_alarm_is_reported_again_after_a_day_with_what_holds_by_then() -> None:
    watched = Watched()
    (raised,) = watched.step(5, disk_free_bytes=900 * MIB)
    assert not watched.stay(86_400 - 60, every_s=60, disk_free_bytes=900 * MIB)
    (again,) = watched.stay(60, every_s=60, disk_free_bytes=500 * MIB)
    assert (again.state, again.again, again.since) == ("raised", True, raised.since)
    assert "500 MiB" in again.text
    assert not watched.stay(86_400 - 60, every_s=60, disk_free_bytes=500 * MIB)


def test_each_telling_has_an_identity_of_its_own() -> None:
    watched = Watched()
    told = watched.step(5, disk_free_bytes=0) + watched.stay(86_400 * 2, every_s=60, disk_free_bytes=0)
    told += watched.stay(60) + watched.step(5, disk_free_bytes=0)
    assert len(told) == 5
    assert len({one.identity for one in told}) == 5


def test_a_restart_neither_forgets_a_silence_nor_makes_one() -> None:
    watched = Watched(callbacks=1)
    watched.stay(5 * HOUR_S, every_s=60, callbacks=1)
    kept = msgspec.json.decode(msgspec.json.encode(watched.alarms.memory), type=AlarmMemory)
    again = Watched(kept)
    assert not again.changes
    again.now += 90 * 86_400_000  # evd was off for three months: nobody listened
    assert not again.stay(HOUR_S - 60, every_s=60)
    assert [one.name for one in again.stay(120, every_s=60)] == ["silent"]


def test_an_alarm_that_outlives_a_restart_is_not_reported_anew_and_can_be_cleared() -> None:
    watched = Watched(disk_free_bytes=0)
    kept = msgspec.json.decode(msgspec.json.encode(watched.alarms.memory), type=AlarmMemory)
    again = Watched(kept, disk_free_bytes=0)
    assert not again.changes
    assert [one.state for one in again.stay(60)] == ["cleared"]


def test_an_alarm_that_no_rule_knows_any_more_is_forgotten() -> None:
    watched = Watched(disk_free_bytes=0)
    kept = watched.alarms.memory
    kept.standing["of an older evd"] = kept.standing["disk_low"]
    assert Watched(kept, disk_free_bytes=0).names == {"disk_low"}


@pytest.mark.parametrize("jump_s", [-10 * 365 * 86_400, -3600, 3600, 10 * 365 * 86_400])
def test_a_clock_that_jumps_raises_clears_and_repeats_nothing(jump_s: int) -> None:
    for standing in ({}, {"disk_free_bytes": 0}):
        watched = Watched(callbacks=1, **standing)
        watched.stay(HOUR_S, callbacks=1, **standing)
        assert not watched.step(jump_s, callbacks=1, **standing)
        assert not watched.stay(HOUR_S, callbacks=1, **standing)


@given(
    st.lists(
        st.tuples(
            st.integers(-100_000, 100_000),
            st.fixed_dictionaries(
                {
                    "pause_kind": st.sampled_from([None, *PauseReason]),
                    "oldest_push_s": st.none() | st.floats(0, 2000),
                    "disk_free_bytes": st.none() | st.integers(0, 3 * GIB),
                    "log_bytes": st.none() | st.integers(0, 256 * MIB),
                    "certificate_days": st.none() | st.floats(-5, 40),
                    "callbacks": st.integers(0, 3),
                    "rejections": st.integers(0, 2000),
                }
            ),
        ),
        max_size=40,
    )
)
def test_of_each_alarm_raised_and_cleared_take_turns(steps: list[tuple[int, dict[str, Any]]]) -> None:
    watched = Watched()
    told = [change for seconds, reading in steps for change in watched.step(seconds, **reading) if not change.again]
    for rule in RULES:
        states = [change.state for change in told if change.name == rule.name]
        assert states == ["raised", "cleared"] * (len(states) // 2) + ["raised"] * (len(states) % 2)
        assert (rule.name in watched.names) == (len(states) % 2 == 1)
