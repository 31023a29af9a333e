"""Vehicles to look at again, by their times."""

from __future__ import annotations

from math import inf

from evd.events.confirmation_queue import ConfirmationQueue


def test_vehicles_come_when_they_are_due_in_the_order_of_their_times() -> None:
    queue = ConfirmationQueue(vehicles_max=10)
    for at, vehicle in ((3000, "C"), (1000, "A"), (2000, "B")):
        queue.add(at, vehicle)
    queue.add(None, "D")
    assert (queue.pop_due(999), queue.due_in_s(500)) == (None, 0.5)
    assert [queue.pop_due(2000) for _ in range(3)] == ["A", "B", None]
    assert [queue.pop_due(9000) for _ in range(2)] == ["C", None]
    assert queue.due_in_s(0) == inf


def test_no_more_are_kept_than_allowed_and_the_next_one_not_twice() -> None:
    queue = ConfirmationQueue(vehicles_max=2)
    for vehicle in ("A", "A", "B", "C"):
        queue.add(1000, vehicle)
    assert [queue.pop_due(1000) for _ in range(3)] == ["A", "B", None]
