"""Stories of samples, and what the rules tell of them."""

from __future__ import annotations

from typing import Any

from evd.events import rules
from evd.events.memory import VehicleMemory
from evd.events.samples import Event, Sample
from evd.model import event_settings
from evd.model.event_settings import Geofence, VehicleEventSettings

NOW = 1_700_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
OFF, CHARGING, IDLE, DRIVING = range(4)
HOME = Geofence("home", 48.1486, 17.1077, 200.0)


def samples(*fields: dict[str, Any]) -> list[Sample]:
    """One each ten minutes."""
    return [Sample(NOW + number * 10 * MINUTE, one) for number, one in enumerate(fields)]


def twice(*fields: dict[str, Any]) -> list[Sample]:
    """Each is said by two samples, so that what swings is no slip of a reading."""
    return samples(*[one for field in fields for one in (field, field)])


def run(
    given: list[Sample], settings: VehicleEventSettings = event_settings.DEFAULTS, memory: VehicleMemory | None = None
) -> tuple[VehicleMemory, list[Event]]:
    memory, events = memory or VehicleMemory(), []
    for number, sample in enumerate(given):
        earlier = [one for one in given[:number] if one.time < sample.time]
        memory, new = rules.step(settings, memory, sample, max(earlier, key=lambda one: one.time, default=None))
        events += new
    return memory, events


def settled(given: list[Sample], settings: VehicleEventSettings = event_settings.DEFAULTS) -> list[Event]:
    """With what no second reading came for in the end."""
    memory, events = run(given, settings)
    return events + (rules.settle(memory, given[-1].heard + HOUR)[1] if given else [])


def kinds(given: list[Sample], settings: VehicleEventSettings = event_settings.DEFAULTS) -> list[str]:
    return [event.kind for event in settled(given, settings)]


def charging(*charges: float, target: float = 80, state: int = CHARGING) -> list[dict[str, Any]]:
    return [{"state": state, "current_charge": charge, "target_charge": target} for charge in charges]


def idle(*charges: float, target: float = 80) -> list[dict[str, Any]]:
    return charging(*charges, target=target, state=IDLE)


EVERYTHING = VehicleEventSettings(temperature_min=0, temperature_max=30, outdoor_max=30, places=[HOME])
NEAR, FAR, EDGE = "48.1486,17.1078", "48.2000,17.1077", "48.15085,17.1077"  # 7 m, 5.7 km, 250 m
