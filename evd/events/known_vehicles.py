"""A cache of what is remembered of vehicles, and of their event settings."""

from __future__ import annotations

from evd.events import memory as memories
from evd.events.memory import VehicleMemory
from evd.events.samples import Sample
from evd.model import event_settings
from evd.model.event_settings import VehicleEventSettings
from evd.store.protocols import EventState


class KnownVehicle:
    """The cached state of a vehicle; `settings` is None if they must be read again.

    `sample` is the last one that was evaluated; None: the previous one must be read from the ring.
    """

    __slots__ = ("memory", "sample", "settings")

    def __init__(self, memory: VehicleMemory, settings: VehicleEventSettings) -> None:
        self.memory = memory
        self.settings: VehicleEventSettings | None = settings
        self.sample: Sample | None = None


class KnownVehicles:
    """At most `vehicles_max`; the least recently used one is evicted. What must be read may raise StoreBusy."""

    def __init__(self, state: EventState, vehicles_max: int) -> None:
        self._state = state
        self._vehicles_max = vehicles_max
        self._known: dict[str, KnownVehicle] = {}  # the least recently used one first

    def __len__(self) -> int:
        return len(self._known)

    def remember(self, vehicle: str) -> KnownVehicle:
        """The vehicle's state, which is cached from here on."""
        known = self._known.pop(vehicle, None)
        if known is None:
            known = self._load(vehicle)
            if len(self._known) >= self._vehicles_max:
                del self._known[next(iter(self._known))]
        self._known[vehicle] = known
        return known

    def look_up(self, vehicle: str) -> KnownVehicle:
        """The vehicle's state; a miss evicts nothing, for a walk passes all vehicles."""
        return self._known.get(vehicle) or self._load(vehicle)

    def settings_of(self, vehicle: str, known: KnownVehicle) -> VehicleEventSettings:
        if known.settings is None:
            known.settings = event_settings.read(self._state.event_settings_of(vehicle)[1])
        return known.settings

    def settings_changed(self, vehicle: str) -> None:
        if known := self._known.get(vehicle):
            known.settings = None

    def _load(self, vehicle: str) -> KnownVehicle:
        state, settings = self._state.event_settings_of(vehicle)
        return KnownVehicle(memories.remembered(state), event_settings.read(settings))
