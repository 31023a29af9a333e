"""Alarms about phones that get no more pushes: how many are too many, and what is to be done."""

from __future__ import annotations

import pytest
from watched_alarms import NONE_STOPPED, Watched

from evd.alarms.phone_alarms import dropped_level, stopped_level, stopped_text
from evd.model.daemon_state import (
    StoppedPhonesState,
)


def test_thousands_of_phones_that_go_at_once_alarm_with_how_they_come_back() -> None:
    """F07-mass-unregistered"""
    (raised,) = Watched(stopped=StoppedPhonesState(registered=2000)).step(5, dropped=2000, stopped=NONE_STOPPED)
    assert raised.name == "push_dropped"
    assert "2000 phones within an hour as gone" in raised.text
    assert "comes back when it registers again" in raised.text


@pytest.mark.parametrize(
    ("dropped", "registered", "level"),
    [(0, 0, 0.0), (9, 0, 0.9), (10, 0, 1.0), (10, 190, 1.0), (10, 390, 0.5), (100, 1900, 1.0)],
)
def test_one_phone_in_twenty_is_too_many_and_ten_at_least(dropped: int, registered: int, level: float) -> None:
    assert dropped_level(dropped, StoppedPhonesState(registered=registered)) == pytest.approx(level)


def test_of_what_was_not_looked_up_nothing_is_known_but_that_phones_made_room() -> None:
    assert stopped_level(None, 0) is None
    assert stopped_level(None, 2) == 2
    assert stopped_level(StoppedPhonesState(registered=5), 0) == 0
    assert stopped_level(StoppedPhonesState(off=1, stale=2, missed=4), 8) == 15


@pytest.mark.parametrize(
    ("phones", "displaced", "says"),
    [
        ({"off": 1, "stale": 1, "missed": 1}, 0, "(3 of them): push.credentials is not set"),
        ({"stale": 1, "missed": 1}, 0, "push.stale_after_days"),
        ({"missed": 1}, 0, "restart evd, and report it"),
        ({"off": 9}, 2, "(2): raise app.registrations_per_vehicle"),
    ],
)
def test_the_operator_is_told_the_first_thing_to_do(phones: dict[str, int], displaced: int, says: str) -> None:
    assert says in stopped_text(StoppedPhonesState(**phones), displaced)
