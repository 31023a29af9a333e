"""Availability by age: said once when it changes, whatever order the statuses come in."""

from __future__ import annotations

from evd.push.providers.mqtt.ages import Ages


def test_a_young_status_makes_available_and_its_age_ends_it() -> None:
    ages = Ages(1000)
    assert ages.heard("A", 5000, 5100) is True
    assert ages.heard("A", 5200, 5300) is None
    assert (ages.ended(6100), ages.ended(6200), ages.ended(9000)) == ([], ["A"], [])
    assert ages.heard("A", 8500, 9000) is True
    assert ages.ended(9500) == ["A"]


def test_an_old_status_makes_unavailable_at_once_and_hides_no_newer_one() -> None:
    ages = Ages(1000)
    assert ages.heard("A", 100, 5000) is False
    assert ages.heard("A", 4900, 5000) is True
    assert ages.heard("A", 200, 5001) is None
    assert ages.time_of("A") == 4900
    assert ages.ended(5500) == []


def test_a_forgotten_vehicle_never_ends() -> None:
    ages = Ages(1000)
    ages.heard("A", 5000, 5000)
    ages.heard("B", 5000, 5000)
    ages.forget("A")
    assert (ages.ended(9000), ages.time_of("A")) == (["B"], None)
    ages.clear()
    assert ages.time_of("B") is None and ages.ended(9000) == []
