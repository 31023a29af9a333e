"""A vehicle's settings."""

from __future__ import annotations

import msgspec

from evd.model.operations.base import Operation


class SetVehicle(Operation, frozen=True, gc=False):
    """Change settings of a vehicle, which is created if it is unknown; a field that is not given stays as it is."""

    vehicle: str
    created: int
    keep: int | msgspec.UnsetType | None = msgspec.UNSET
    format: str | msgspec.UnsetType | None = msgspec.UNSET
    name: str | msgspec.UnsetType | None = msgspec.UNSET


class PriceCharging(Operation, frozen=True, gc=False):
    """What charging a vehicle costs: a Tariff (`evd.derived.tariff`) as JSON; None: nothing that is known.
    Raises UnknownVehicle."""

    vehicle: str
    tariff: bytes | None
