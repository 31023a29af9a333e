"""FCM's limits of one device: a burst, a rate in the long run, and a bounded memory."""

from __future__ import annotations

import pytest

from evd.push.device_limits import BURST, GAP_S, DeviceLimits


def sent(limits: DeviceLimits, token: str, now: float, most: int = 10_000) -> int:
    """How many messages the device may be sent at once."""
    return next(number for number in range(most) if limits.wait_s(token, now) > 0)


def test_after_a_burst_each_message_waits_for_its_place_and_no_other_device_does() -> None:
    limits = DeviceLimits()
    assert sent(limits, "a", 1000.0) == BURST
    assert limits.wait_s("a", 1000.0) == pytest.approx(GAP_S)
    assert limits.wait_s("b", 1000.0) == 0.0
    assert sent(limits, "a", 1000.0 + GAP_S) == 1


def test_within_any_minute_and_any_hour_no_device_gets_more_than_fcm_allows() -> None:
    limits = DeviceLimits()
    times = [at / 4 for at in range(4 * 4000) for _ in range(sent(limits, "a", at / 4))]
    for window_s, most in ((60, 240), (3600, 5000)):
        assert max(sum(begin <= at < begin + window_s for at in times) for begin in (0, 30, 300)) <= most


def test_a_device_that_was_quiet_is_forgotten_and_of_too_many_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evd.push.device_limits.KEPT_MAX", 16)
    limits = DeviceLimits()
    for number in range(100):
        limits.wait_s(str(number), 0.0)
        assert len(limits._busy_until) <= 17
    for number in range(100):
        limits.wait_s(f"later {number}", 10.0)
    assert not any(token.isdecimal() for token in limits._busy_until)
