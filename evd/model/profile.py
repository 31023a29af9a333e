"""What an owner says of a vehicle: its name, licence plate, and what evd calculates energy and days from."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

import msgspec

from evd.errors import BadRequest
from evd.model.coarse import CoarseFor

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Plate = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
Kwh = Annotated[float, msgspec.Meta(gt=0, le=2000)]
Volts = Annotated[float, msgspec.Meta(gt=0, le=1500)]
Phases = Annotated[int, msgspec.Meta(ge=1, le=3)]


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A vehicle's profile; a change has the members to be changed. None: not said, UNSET: stays as it is."""

    name: Text | msgspec.UnsetType | None = msgspec.UNSET
    regNumber: Plate | msgspec.UnsetType | None = msgspec.UNSET
    """The licence plate."""
    type: Text | msgspec.UnsetType | None = msgspec.UNSET
    """Make and model."""
    battery: Kwh | msgspec.UnsetType | None = msgspec.UNSET
    """Usable kWh."""
    maxVoltage: Volts | msgspec.UnsetType | None = msgspec.UNSET
    """V, of a phase while it charges."""
    phases: Phases | msgspec.UnsetType | None = msgspec.UNSET
    zone: Text | msgspec.UnsetType | None = msgspec.UNSET
    """Of the tz database: where its days begin; None: UTC."""
    coarseLocation: CoarseFor | msgspec.UnsetType | None = msgspec.UNSET
    """For whom its places are rounded to about a kilometre; None: as privacy.coarse_location says."""


MEMBERS: tuple[str, ...] = Profile.__struct_fields__


def parse_profile(document: Any) -> Profile:
    """A change from a request. Raises BadRequest with a sentence that names the member."""
    try:
        profile = msgspec.convert(document, Profile)
    except msgspec.ValidationError as error:
        raise BadRequest(f"the profile is refused: {error}".replace(" - at `$.", ": see `")) from None
    for member in MEMBERS:
        value = getattr(profile, member)
        if isinstance(value, str) and not (value.isprintable() and value.strip()):
            raise BadRequest(f"{member} must be printable text, or null for none")
    if isinstance(profile.zone, str) and profile.zone not in _zones():
        raise BadRequest(f"there is no zone {profile.zone[:40]!r}: name one of the tz database, as Europe/Prague")
    return profile


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
