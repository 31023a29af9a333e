"""What alarms: at which readings an alarm is raised and cleared, and what the operator is told of it."""

from __future__ import annotations

from typing import Any

import pytest
from watched_alarms import GIB, NONE_STOPPED, TAKES_PUSHES, Watched

from evd.alarms.rules import MIB, span
from evd.model.daemon_state import (
    PauseReason,
    StoppedPhonesState,
)
from evd.model.units import HOUR_S


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


def test_the_same_rejections_spread_over_a_day_do_not_alarm() -> None:
    watched = Watched()
    assert not [one for minute in range(24 * 60) for one in watched.step(60, rejections=minute * 6)]


@pytest.mark.parametrize(
    ("seconds", "words"), [(-5, "0 s"), (40, "40 s"), (900, "15 min"), (3 * 3600, "3 h"), (10 * 86_400, "10 days")]
)
def test_a_span_is_given_in_the_largest_unit_that_fits_twice(seconds: float, words: str) -> None:
    assert span(seconds) == words
