"""A push on its way: what it is of, and what tells it from others in flight."""

from __future__ import annotations

import msgspec
from builders import NOW

from evd.model.operations import EventDue, Registration
from evd.push.delivery import Delivery
from evd.push.protocols import STATE

PHONE = Registration(7, "A", "t", "token", "00A", "anna", NOW, "given before", None, 3)


EVENT = EventDue(7, 1, "left", NOW, "s1", b"{}", NOW, 2, PHONE, None)


def test_a_state_and_an_event_of_the_same_number_are_two_pushes() -> None:
    state, other = Delivery(PHONE, None, None, None), Delivery(PHONE, None, EVENT, NOW)
    assert (state.key, other.key) == (7, -7)
    assert (state.what, other.what) == (STATE, "left")
    assert (state.attempts, other.attempts) == (3, 2)


def test_the_status_is_the_events_own_or_the_one_that_is_sent_or_that_was_sent_last() -> None:
    assert Delivery(PHONE, None, EVENT, None).status_id == "s1"
    assert Delivery(PHONE, None, None, None).status_id == "given before"
    assert Delivery(msgspec.structs.replace(PHONE, given=""), None, None, None).status_id == ""
