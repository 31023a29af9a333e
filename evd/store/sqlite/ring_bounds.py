"""Whether a vehicle that is not known may be added, and how many statuses it then keeps."""

from __future__ import annotations

from typing import NamedTuple

from evd.model.operations import LimitReached, UnknownVehicle


class RingBounds(NamedTuple):
    capacity: int
    """Statuses of a vehicle that has no number of its own."""
    create_unknown: bool
    vehicles_max: int
    contract: int
    """Messages a day that a device may send (evd.model.frame_counter)."""

    def require_open(self, vehicle: str) -> None:
        """Raise UnknownVehicle if only vehicles that were added are taken."""
        if not self.create_unknown:
            raise UnknownVehicle(
                f"vehicle {vehicle} is not known: add it with `evd vehicle set {vehicle}`, "
                "or set ingest.unknown_vehicle to create"
            )

    def require_room(self, vehicles: int) -> None:
        """Raise LimitReached if so many are known that there is no room for one more."""
        if vehicles >= self.vehicles_max:
            raise LimitReached(f"{vehicles} vehicles are known: raise ingest.vehicles_max to take in more")
