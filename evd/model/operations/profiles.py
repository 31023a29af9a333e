"""What owners say of their vehicles."""

from __future__ import annotations

from evd.model.operations.base import Operation
from evd.model.profile import Profile


class SetProfile(Operation, frozen=True, gc=False):
    """Change a vehicle's profile. Raises UnknownVehicle for a vehicle without a ring and without an owner."""

    vehicle: str
    profile: Profile
