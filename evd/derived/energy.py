"""Energy out of what is derived: by the current where the voltage is known, by the battery's size, or estimated."""

from __future__ import annotations

from typing import Literal, NamedTuple

USUAL_VOLTAGE = 230.0
"""V of a phase of the grid in most countries (IEC 60038), for an estimate."""

USUAL_BATTERY_KWH = 50.0
"""Of an electric car of these years, for an estimate."""

Source = Literal["current", "battery", "estimate"]


class VehicleFacts(NamedTuple):
    """What is known of a vehicle's electricity; None is unknown."""

    battery_kwh: float | None = None
    max_voltage: float | None = None
    """V of a phase while it charges."""
    phases: int | None = None


class Energy(NamedTuple):
    kwh: float | None
    """None: neither a current nor a charge is known."""
    source: Source | None


NO_ENERGY = Energy(None, None)


def charged(current: int, rise: float | None, facts: VehicleFacts) -> Energy:
    """Of `current` (as `evd.derived.rollups.Between.current`) and of `rise`, % of the battery."""
    if current > 0 and facts.max_voltage is not None:
        return Energy(_by_current(current, facts.max_voltage, facts.phases), "current")
    if rise is not None and rise > 0 and facts.battery_kwh is not None:
        return Energy(round(facts.battery_kwh * rise / 100, 3), "battery")
    if current > 0:
        return Energy(_by_current(current, USUAL_VOLTAGE, facts.phases), "estimate")
    if rise is not None and rise > 0:
        return Energy(round(USUAL_BATTERY_KWH * rise / 100, 3), "estimate")
    return NO_ENERGY


def used(fall: float | None, facts: VehicleFacts) -> Energy:
    """Of % of the battery."""
    return charged(0, fall, facts)


def _by_current(current: int, voltage: float, phases: int | None) -> float:
    ampere_hours = current / 2 / 1000 / 3_600_000
    return round(ampere_hours * voltage * (phases or 1) / 1000, 3)
