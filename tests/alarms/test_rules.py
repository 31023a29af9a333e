"""What alarms: at which readings an alarm is raised and cleared, and what the operator is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.alarms.readings import Readings, readings_of
from evd.alarms.rules import MIB, RULES, span
from evd.alarms.silence import FACTOR, STEP_MAX_S, Passed, Rhythm
from evd.alarms.state import AlarmChange, AlarmMemory, Alarms
from evd.config.settings import AlarmSettings
from evd.model.daemon_state import (
    DaemonState,
    DiskState,
    PauseReason,
    ProviderState,
    PushOutcome,
    PushState,
    StoppedPhonesState,
)
from evd.model.units import HOUR_S

TAKES_PUSHES = PauseReason.NONE
NONE_STOPPED = StoppedPhonesState()

NOW = 1_700_000_000_000
GIB = 1024 * MIB
BOUNDS = AlarmSettings()
FINE: dict[str, Any] = {
    "pause_kind": TAKES_PUSHES,
    "oldest_push_s": 0.0,
    "stopped": NONE_STOPPED,
    "disk_free_bytes": 50 * GIB,
    "disk_total_bytes": 100 * GIB,
    "log_bytes": 8 * MIB,
    "certificate_days": 60.0,
}


class Watched:
    """Alarms, and the time, which passes in steps as the daemon's would."""

    def __init__(self, memory: AlarmMemory | None = None, bounds: AlarmSettings = BOUNDS, **first: Any) -> None:
        self.alarms = Alarms(bounds, memory)
        self.now = NOW
        self.changes: list[AlarmChange] = self.step(0, **first)

    def step(self, seconds: float, **changes: Any) -> list[AlarmChange]:
        self.now += int(seconds * 1000)
        return self.alarms.step(Readings(now=self.now, **FINE | changes))

    def stay(self, seconds: float, every_s: float = 30, **changes: Any) -> list[AlarmChange]:
        """`seconds` with the same readings."""
        return [one for _ in range(int(seconds / every_s)) for one in self.step(every_s, **changes)]

    @property
    def names(self) -> set[str]:
        return set(self.alarms.standing)


def test_where_all_is_fine_nothing_alarms() -> None:
    watched = Watched()
    assert not watched.changes
    assert not watched.stay(2 * HOUR_S)


@pytest.mark.parametrize(
    ("name", "raised_at", "still_at", "cleared_at", "calm_s", "says"),
    [
        (
            "push_credentials",
            {
                "pause_kind": PauseReason.CREDENTIALS,
                "pause_reason": "FCM refuses these credentials: check push.credentials.",
            },
            {"pause_kind": None},
            {"pause_kind": TAKES_PUSHES},
            60,
            "FCM refuses these credentials: check push.credentials.",
        ),
        (
            "push_quota",
            {"pause_kind": PauseReason.QUOTA},
            {"pause_kind": None},
            {"pause_kind": TAKES_PUSHES},
            600,
            "push.rate_max",
        ),
        (
            "push_paused",
            {"pause_kind": PauseReason.OTHER, "pause_reason": "the receiver is closed"},
            {"pause_kind": None},
            {"pause_kind": TAKES_PUSHES},
            60,
            "the receiver is closed",
        ),
        ("push_old", {"oldest_push_s": 900.0}, {"oldest_push_s": 450.0}, {"oldest_push_s": 449.0}, 60, "15 min"),
        ("push_old", {"oldest_push_s": 900.0, "held": True}, {}, {"oldest_push_s": 0.0}, 60, "evd push resume"),
        (
            "push_stopped",
            {"stopped": StoppedPhonesState(stale=3)},
            {},
            {"stopped": NONE_STOPPED},
            0,
            "get none any more (3 of them)",
        ),
        (
            "push_stopped",
            {"stopped": StoppedPhonesState(stale=3)},
            {},
            {"stopped": NONE_STOPPED},
            0,
            "not renewed for push.stale_after_days",
        ),
        ("push_stopped", {"stopped": StoppedPhonesState(missed=1)}, {}, {"stopped": NONE_STOPPED}, 0, "restart evd"),
        (
            "push_stopped",
            {"stopped": StoppedPhonesState(off=1)},
            {},
            {"stopped": NONE_STOPPED},
            0,
            "push.credentials is not set",
        ),
        (
            "disk_low",
            {"disk_free_bytes": GIB},
            {"disk_free_bytes": GIB * 5 // 4},
            {"disk_free_bytes": GIB * 5 // 4 + 1},
            30,
            "1024 MiB left",
        ),
        (
            "disk_low",  # of a small disk, a twentieth counts
            {"disk_total_bytes": 10 * GIB, "disk_free_bytes": GIB // 2},
            {},
            {"disk_total_bytes": 10 * GIB, "disk_free_bytes": GIB},
            30,
            "512 MiB left",
        ),
        ("not_writing", {"stalled": "another process is writing to evd.db"}, {}, {}, 30, "another process is writing"),
        ("disk_low", {"disk_full": True, "disk_free_bytes": 9 * GIB}, {}, {}, 30, "free some space"),
        ("log_long", {"log_bytes": 128 * MIB}, {"log_bytes": 71 * MIB}, {"log_bytes": 64 * MIB}, 60, "128 MiB"),
        ("loop_lag", {"loop_lag_s": 0.25}, {"loop_lag_s": 0.26}, {"loop_lag_s": 0.2}, 300, "stood still for 0.25 s"),
        ("clock", {"clock_behind_s": 172800.0}, {}, {"clock_behind_s": 0.0}, 0, "is 2 days behind evd's own time"),
        ("clock", {"ahead": 3, "newest": 2}, {}, {"ahead": 3, "newest": 3}, 0, "3 statuses within an hour lie more"),
        ("crowded", {"crowded": 1, "crowded_by": "192.0.2.7"}, {}, {}, 0, "most of them from 192.0.2.7"),
        (
            "certificate",
            {"certificate_days": 21.0},
            {"certificate_days": 22.0},
            {"certificate_days": 90.0},
            0,
            "ends in 21 days",
        ),
        ("certificate", {"certificate_days": 0.5}, {}, {"certificate_days": 90.0}, 0, "ends today"),
        ("certificate", {"certificate_days": -3.0}, {}, {"certificate_days": 90.0}, 0, "has ended"),
    ],
)
def test_an_alarm_is_raised_at_one_bound_and_cleared_at_another(
    name: str,
    raised_at: dict[str, Any],
    still_at: dict[str, Any],
    cleared_at: dict[str, Any],
    calm_s: float,
    says: str,
) -> None:
    watched = Watched()
    (raised,) = watched.step(5, **raised_at)
    assert (raised.name, raised.state, raised.since, raised.again) == (name, "raised", watched.now, False)
    assert says in raised.text
    if still_at:
        assert not watched.stay(HOUR_S, **still_at)
        assert watched.names == {name}
    if calm_s:
        assert not watched.stay(calm_s - 5, every_s=5, **cleared_at)
        assert not watched.step(5, **raised_at), "back before it was calm for long enough: nothing new"
        assert not watched.stay(calm_s - 5, every_s=5, **cleared_at)
    (cleared,) = watched.step(5, **cleared_at)
    assert (cleared.name, cleared.state, cleared.since) == (name, "cleared", raised.since)
    assert cleared.text.startswith("over after ")
    assert not watched.names


def test_values_that_a_format_does_not_explain_alarm_from_the_first_status_for_a_day() -> None:
    watched = Watched()
    said = {"unexplained": 1, "unexplained_by": "386625", "unexplained_fields": "state, range"}
    (raised,) = watched.step(5, **said)
    assert (raised.name, raised.severity) == ("unexplained_values", "warning")
    assert raised.text.startswith(
        "vehicle 386625 sends values that its format does not explain (state, range): assign the right one with "
    )
    assert raised.text.endswith("such statuses of all vehicles within an hour: 1")
    assert not watched.stay(23 * HOUR_S, every_s=60, **said)
    more = said | {"unexplained": 5, "unexplained_by": "A1", "unexplained_fields": "current"}
    assert not watched.step(60, **more)
    assert "vehicle A1" in watched.alarms.standing["unexplained_values"].sentence
    changes = watched.stay(26 * HOUR_S, every_s=60, **more)
    assert [change.state for change in changes if not change.again] == ["cleared"]


@pytest.mark.parametrize(
    "just_below",
    [
        {"oldest_push_s": 899.0},
        {"disk_free_bytes": GIB + 1},
        {"disk_total_bytes": 10 * GIB, "disk_free_bytes": GIB // 2 + 1},
        {"log_bytes": 128 * MIB - 1},
        {"certificate_days": 21.1},
        {"certificate_days": None},
        {"foreign_senders": 0, "quota_pauses": 0, "rejections": 416},
        {"dropped": 9, "displaced": 0, "stopped": StoppedPhonesState(registered=9)},
        {"dropped": 100, "stopped": StoppedPhonesState(registered=2000)},
        {"pause_kind": None, "disk_free_bytes": None, "oldest_push_s": None, "log_bytes": None},
    ],
)
def test_just_below_a_bound_or_unknown_nothing_alarms(just_below: dict[str, Any]) -> None:
    assert not Watched(**just_below).changes


@pytest.mark.parametrize(
    ("name", "counter", "count", "calm_s"),
    [
        ("push_foreign_sender", "foreign_senders", 1, 0),
        ("push_dropped", "dropped", 10, 0),
        ("push_stopped", "displaced", 1, 0),
        ("push_quota", "quota_pauses", 1, 600),
        ("rejections", "rejections", 417, 600),
    ],
)
def test_what_is_counted_alarms_by_the_last_hour(name: str, counter: str, count: int, calm_s: int) -> None:
    watched = Watched()
    (raised,) = watched.step(5, **{counter: count})
    assert raised.name == name
    assert not watched.stay(HOUR_S - 120, **{counter: count})
    (cleared,) = watched.stay(240 + calm_s, **{counter: count})
    assert (cleared.name, cleared.state) == (name, "cleared")
    assert not watched.stay(2 * HOUR_S, **{counter: count})
    assert [one.state for one in watched.step(5, **{counter: 2 * count})] == ["raised"]


def test_thousands_of_phones_that_go_at_once_alarm_with_how_they_come_back() -> None:
    """F07-mass-unregistered"""
    (raised,) = Watched(stopped=StoppedPhonesState(registered=2000)).step(5, dropped=2000, stopped=NONE_STOPPED)
    assert raised.name == "push_dropped"
    assert "2000 phones within an hour as gone" in raised.text
    assert "comes back when it registers again" in raised.text


def test_the_same_rejections_spread_over_a_day_do_not_alarm() -> None:
    watched = Watched()
    assert not [one for minute in range(24 * 60) for one in watched.step(60, rejections=minute * 6)]


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


# Silence


def test_no_callback_for_longer_than_usual_alarms_until_one_comes() -> None:
    watched = Watched(callbacks=1)
    assert not watched.stay(6 * HOUR_S - 60, every_s=60, callbacks=1)
    (raised,) = watched.stay(60, every_s=60, callbacks=1)
    assert (raised.name, raised.severity) == ("silent", "critical")
    assert "6 h" in raised.text
    (cleared,) = watched.step(5, callbacks=2)
    assert cleared.state == "cleared"


def test_where_no_callback_ever_came_nobody_is_alarmed() -> None:
    assert not Watched().stay(7 * 86_400, every_s=60)


def test_a_fleet_that_rests_at_weekends_alarms_at_the_first_one_only() -> None:
    """An office's cars: every 10 min from 6 to 20 on weekdays, so 10 h of silence each night and 58 h at weekends."""
    watched, callbacks = Watched(callbacks=1), 1
    alarms: list[int] = []
    for minute in range(4 * 7 * 1440):
        day, hour = minute // 1440, minute // 60 % 24
        callbacks += day % 7 < 5 and 6 <= hour < 20 and minute % 10 == 0
        told = watched.step(60, callbacks=callbacks)
        alarms += [day for one in told if one.state == "raised" and not one.again]
    assert alarms == [0, 5], "in the first night, and on the first Saturday"


def test_of_a_long_outage_little_is_learned() -> None:
    watched = Watched(callbacks=1)
    watched.stay(7 * 86_400, every_s=60, callbacks=1)
    watched.step(5, callbacks=2)
    assert watched.alarms.memory.rhythm.limit_s(BOUNDS.silent_after_s) == 24 * HOUR_S


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


passing = st.lists(st.tuples(st.floats(0, STEP_MAX_S), st.booleans()), max_size=200)


@given(passing, st.floats(60, 1e6))
def test_the_limit_of_a_silence_grows_fourfold_at_most_and_is_never_below_the_least(
    steps: list[tuple[float, bool]], least_s: float
) -> None:
    rhythm = Rhythm()
    for passed_s, heard in steps:
        before = rhythm.limit_s(least_s)
        rhythm.step(passed_s, heard, least_s)
        assert least_s <= rhythm.limit_s(least_s) <= FACTOR * FACTOR * before
        assert rhythm.silent_s is None or rhythm.silent_s >= 0


# Clocks that jump


@given(st.lists(st.integers(-(10**13), 10**13), min_size=1))
def test_whatever_the_clock_says_no_more_passes_than_a_minute_a_look(times: list[int]) -> None:
    passed = Passed()
    assert all(0 <= passed.look(now) <= STEP_MAX_S for now in times)


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


# From the daemon's state

STATE = DaemonState(
    version="1",
    codec="c",
    ingest={"newest": 3, "rejected": 2},
    disk=DiskState(free=5, total=100, database=20, log=7),
    certificate_ends_s=NOW / 1000 + 86_400,
)


def test_readings_are_read_from_the_daemons_state() -> None:
    found = readings_of(STATE, NOW, rejected_max=9)
    wanted = Readings(
        now=NOW,
        rejections=2,
        rejected_max=9,
        callbacks=5,
        disk_free_bytes=5,
        disk_total_bytes=100,
        log_bytes=7,
        newest=3,
        certificate_days=1.0,
    )
    assert found == wanted


@pytest.mark.parametrize(
    ("pause", "outcomes", "kind"),
    [
        (TAKES_PUSHES, {}, None),
        (TAKES_PUSHES, {PushOutcome.RETRIED: 1}, None),
        (TAKES_PUSHES, {PushOutcome.SENT: 1}, TAKES_PUSHES),
        (PauseReason.CREDENTIALS, {}, PauseReason.CREDENTIALS),
        (PauseReason.QUOTA, {PushOutcome.QUOTA: 1}, PauseReason.QUOTA),
    ],
)
def test_that_a_provider_takes_pushes_is_known_once_it_took_one(
    pause: PauseReason, outcomes: Mapping[PushOutcome, int], kind: PauseReason | None
) -> None:
    push = PushState(pause=pause, providers={"fcm": ProviderState(in_flight=0, outcomes=outcomes)})
    assert readings_of(msgspec.structs.replace(STATE, push=push), NOW, rejected_max=1).pause_kind is kind


@pytest.mark.parametrize(
    ("seconds", "words"), [(-5, "0 s"), (40, "40 s"), (900, "15 min"), (3 * 3600, "3 h"), (10 * 86_400, "10 days")]
)
def test_a_span_is_given_in_the_largest_unit_that_fits_twice(seconds: float, words: str) -> None:
    assert span(seconds) == words
