"""What was charged and used, in kWh, and how sure that is."""

from __future__ import annotations

from typing import Any

import pytest

from evd.derived.energy import Energy, VehicleFacts, charged, used

TEN_AMPERE_HOURS = 10 * 2 * 1000 * 3_600_000


@pytest.mark.parametrize(
    ("current", "rise", "facts", "found"),
    [
        (TEN_AMPERE_HOURS, 10, VehicleFacts(60, 230, 3), Energy(6.9, "current")),
        (TEN_AMPERE_HOURS, 10, VehicleFacts(60, 400), Energy(4.0, "current")),
        (TEN_AMPERE_HOURS, 10, VehicleFacts(60), Energy(6.0, "battery")),
        (0, 10, VehicleFacts(60, 230, 3), Energy(6.0, "battery")),
        (TEN_AMPERE_HOURS, None, VehicleFacts(), Energy(2.3, "estimate")),
        (0, 10, VehicleFacts(), Energy(5.0, "estimate")),
        (0, None, VehicleFacts(60), Energy(None, None)),
        (0, -3, VehicleFacts(60), Energy(None, None)),
    ],
)
def test_energy_is_as_sure_as_what_is_known(current: int, rise: Any, facts: VehicleFacts, found: Energy) -> None:
    assert charged(current, rise, facts) == found
    assert used(10, VehicleFacts(60)) == Energy(6.0, "battery")
