"""What is not worth a push, and until when: by age, by the user's wish, by a silent app, by a device's limit."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from builders import NOW

from evd.model.operations import EventDue, Registration
from evd.model.status import Status
from evd.model.target_kinds import TargetKind
from evd.model.units import DAY_MS, HOUR_MS
from evd.push.delivery import Delivery
from evd.push.device_limits import BURST, DeviceLimits
from evd.push.skip_policy import DEVICE_FULL, EXPIRED, SkipPolicy, SkipReason

PHONE = TargetKind("phone", personal=True, goes_stale=True, makes_room=True)
PROGRAM = TargetKind("program", personal=False, goes_stale=False, makes_room=False)
STALE = SkipReason("its registration was not renewed for 30 days")
UNWANTED = SkipReason("its user wants no more of this kind")

OFF = b'{"kinds": {"left": false}}'
NIGHT = b'{"quiet_hours": "22:13-07:00", "time_zone": "UTC"}'
MORNING = NOW + 31_600_000
"""07:00 UTC: NOW is 22:13:20."""


def policy(devices: DeviceLimits | None = None, *, lenient: bool = False) -> SkipPolicy:
    one = SkipPolicy([PHONE, PROGRAM], give_up_after_ms=HOUR_MS, stale_after_ms=30 * DAY_MS, devices=devices)
    one.lenient = lenient
    return one


def registration(kind: str = "phone", renewed: int = NOW, client: Any = "v1") -> Registration:
    return Registration(1, "386625", "t", kind, "386625", "anna", renewed, "", None, 0, client)


def status(received: int = NOW) -> Status:
    return Status("386625", "s1", received, 1, 1, None, b"{}", received, "")


def state(to: Registration | None = None, *, received: int = NOW) -> Delivery:
    return Delivery(to or registration(), status(received), None, NOW)


def event(to: Registration | None = None, *, settings: bytes | None = None, expires: int = NOW + HOUR_MS) -> Delivery:
    to = to or registration()
    return Delivery(to, None, EventDue(1, 1, "left", NOW, "s1", b"{}", expires, 0, to, settings), None)


CASES: dict[str, tuple[Delivery, SkipReason | None]] = {
    "a state of now": (state(), None),
    "a state that is nearly too old": (state(received=NOW - HOUR_MS + 1), None),
    "a state that is too old": (state(received=NOW - HOUR_MS), SkipReason(EXPIRED)),
    "a state whose vehicle has none any more": (
        Delivery(registration(), None, None, None),
        SkipReason("its vehicle has no status any more"),
    ),
    "to a phone renewed 30 days ago": (state(registration(renewed=NOW - 30 * DAY_MS)), None),
    "to a phone renewed longer ago": (state(registration(renewed=NOW - 30 * DAY_MS - 1)), STALE),
    "an event to such a phone": (event(registration(renewed=NOW - 31 * DAY_MS)), STALE),
    "to a phone of the original's app, which never renews": (state(registration(renewed=0, client="original")), None),
    "to what never goes stale": (state(registration("program", renewed=0)), None),
    "an event": (event(), None),
    "an event that expires in a moment": (event(expires=NOW + 1), None),
    "an event that has expired": (event(expires=NOW), SkipReason(EXPIRED)),
    "an event that its user turned off": (event(settings=OFF), UNWANTED),
    "the same to what is no user's": (event(registration("program"), settings=OFF), None),
    "an event at night": (event(settings=NIGHT), SkipReason("its user's quiet hours", MORNING)),
    "the same to what is no user's, at night": (event(registration("program"), settings=NIGHT), None),
    "a state at night": (state(), None),
}


@pytest.mark.parametrize("case", CASES)
def test_a_push_is_sent_unless_there_is_a_reason_not_to(case: str) -> None:
    delivery, expected = CASES[case]
    assert policy().skip_reason(delivery, NOW, 0.0) == expected


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        pytest.param(state(received=NOW - DAY_MS), None, id="an old state"),
        pytest.param(state(registration(renewed=0)), None, id="a stale phone"),
        pytest.param(event(expires=0), None, id="an expired event"),
        pytest.param(event(settings=OFF), UNWANTED, id="an unwanted event"),
    ],
)
def test_after_the_clock_was_set_nothing_looks_old_but_wishes_hold(
    delivery: Delivery, expected: SkipReason | None
) -> None:
    assert policy(lenient=True).skip_reason(delivery, NOW, 0.0) == expected


def test_a_device_is_sent_no_more_than_its_limit_and_the_next_push_waits_for_a_place() -> None:
    one = policy(DeviceLimits())
    sent = [one.skip_reason(state(), NOW, 1000.0) for _ in range(BURST)]
    assert sent == [None] * BURST
    refusal = one.skip_reason(state(), NOW, 1000.0)
    assert refusal is not None and refusal.said == DEVICE_FULL
    assert NOW < refusal.due <= NOW + 750
    assert one.skip_reason(state(), refusal.due, 1000.75) is None


def test_a_push_that_is_withheld_takes_no_place_of_its_device() -> None:
    devices = DeviceLimits()
    for _ in range(2 * BURST):
        policy(devices).skip_reason(state(received=0), NOW, 1000.0)
    assert policy(devices).skip_reason(state(), NOW, 1000.0) is None


def test_where_targets_are_no_devices_there_is_no_limit() -> None:
    one = policy()
    assert {one.skip_reason(state(registration("program")), NOW, 0.0) for _ in range(3 * BURST)} == {None}


def test_a_status_is_old_an_hour_after_it_was_received_whatever_time_it_says() -> None:
    said_long_ago = msgspec.structs.replace(status(), time=0)
    assert not policy().is_old(said_long_ago, NOW)
    assert policy().is_old(said_long_ago, NOW + HOUR_MS)
