"""Whose requests are news."""

from __future__ import annotations

import pytest
from builders import NOW

from evd.model.units import DAY_MS
from evd.push.presence import RecentUsers


def test_what_a_user_asks_for_within_a_day_is_no_news() -> None:
    presence = RecentUsers()
    asked = [("anna", 0), ("anna", DAY_MS - 1), ("ben", 1), ("anna", DAY_MS), ("anna", 0)]
    assert [presence.is_news(uid, NOW + at) for uid, at in asked] == [True, False, True, True, True]


def test_of_many_users_the_one_noted_first_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evd.push.presence.USERS_MAX", 2)
    presence = RecentUsers()
    assert [presence.is_news(uid, NOW) for uid in "abcba"] == [True, True, True, False, True]
