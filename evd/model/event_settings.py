"""How events are set for one vehicle: which kinds there are, their bounds, and what a person may write."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from evd.errors import BadRequest

TARGET_REACHED = "target_reached"
CHARGING_STOPPED = "charging_stopped"
CHARGE_LOW = "charge_low"
TEMPERATURE = "temperature"
ARRIVED, LEFT = "arrived", "left"
SILENT, HEARD_AGAIN = "silent", "heard_again"

KINDS = (SILENT, HEARD_AGAIN, TARGET_REACHED, CHARGING_STOPPED, CHARGE_LOW, TEMPERATURE, ARRIVED, LEFT)

PLACES_MAX = 20

Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Margin = Annotated[float, msgspec.Meta(gt=0, le=50)]
Celsius = Annotated[float, msgspec.Meta(ge=-100, le=150)]


class Geofence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a vehicle arrives and whence it leaves; `lat` and `lng` are degrees."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    lng: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    radius_m: Annotated[float, msgspec.Meta(ge=20, le=200_000)] = 200.0


class VehicleEventSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How alerts are set for one vehicle; the defaults are good for any."""

    off: Annotated[list[str], msgspec.Meta(max_length=32)] = []
    """Kinds that do not happen here."""
    low_charge: Percent = 20.0
    charge_margin: Margin = 5.0
    """%: by so much the charge must go back before the same is told again."""
    temperature_min: Celsius | None = None
    """°C of the indoor temperature, as the next one."""
    temperature_max: Celsius | None = None
    outdoor_min: Celsius | None = None
    outdoor_max: Celsius | None = None
    temperature_margin: Margin = 2.0
    confirm_after_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] | None = None
    """What one reading shows waits so long for a second one; 0: not at all; None: as long as they are usually apart."""
    silent_after_h: Annotated[float, msgspec.Meta(ge=0.25, le=8760)] | None = None
    """None: thrice the usual time between its statuses, an hour at least."""
    places: Annotated[list[Geofence], msgspec.Meta(max_length=PLACES_MAX)] = []
    place_margin_m: Annotated[float, msgspec.Meta(ge=0, le=100_000)] = 100.0
    """Beyond the radius, before a vehicle has left: locations swing."""


DEFAULTS = VehicleEventSettings()


def read(settings: bytes | None) -> VehicleEventSettings:
    """Settings as they are stored; what cannot be read is the defaults."""
    if settings is None:
        return DEFAULTS
    try:
        return _settings.decode(settings)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return DEFAULTS


def parse(document: Any) -> VehicleEventSettings:
    """Settings as a person gave them. Raises BadRequest with a sentence that names the field."""
    try:
        settings = msgspec.convert(document, VehicleEventSettings)
    except msgspec.ValidationError as error:
        raise BadRequest(f"the alert settings are refused: {error}".replace(" - at `$.", ": see `")) from None
    if unknown := [kind for kind in settings.off if kind not in KINDS]:
        raise BadRequest(f"off: there is no kind {unknown[0][:40]!r}: use some of {', '.join(KINDS)}")
    for name, low, high in (
        ("temperature_min", settings.temperature_min, settings.temperature_max),
        ("outdoor_min", settings.outdoor_min, settings.outdoor_max),
    ):
        if low is not None and high is not None and low >= high:
            raise BadRequest(f"{name} is {low:g}: it must lie below {name.replace('min', 'max')}, which is {high:g}")
    if len({place.name for place in settings.places}) < len(settings.places):
        raise BadRequest("places: two of them have the same name: give each its own")
    return settings


_settings = msgspec.json.Decoder(VehicleEventSettings)
