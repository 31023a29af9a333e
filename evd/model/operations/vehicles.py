"""A vehicle's settings."""

from __future__ import annotations

import msgspec

from evd.model.operations.base import Operation


class SetVehicle(Operation, frozen=True, gc=False):
    """Settings of a vehicle, which is created where it is not known; a field that is not given stays as it is."""

    vehicle: str
    created: int
    keep: int | msgspec.UnsetType | None = msgspec.UNSET
    format: str | msgspec.UnsetType | None = msgspec.UNSET
    name: str | msgspec.UnsetType | None = msgspec.UNSET
