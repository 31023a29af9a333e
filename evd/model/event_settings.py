"""The event settings of a vehicle: the kinds of events, their bounds, and the checks of what a request sets."""

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
    """A place where a vehicle arrives and which it leaves; `lat` and `lng` are degrees."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    lng: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    radius_m: Annotated[float, msgspec.Meta(ge=20, le=200_000)] = 200.0


class VehicleEventSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The event settings of one vehicle; the defaults suit any vehicle."""

    off: Annotated[list[str], msgspec.Meta(max_length=32)] = []
    """Kinds that are switched off."""
    low_charge: Percent = 20.0
    charge_margin: Margin = 5.0
    """%: the charge must go back by so much before the same event can occur again."""
    temperature_min: Celsius | None = None
    """°C; the bounds of the indoor temperature."""
    temperature_max: Celsius | None = None
    outdoor_min: Celsius | None = None
    outdoor_max: Celsius | None = None
    temperature_margin: Margin = 2.0
    confirm_after_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] | None = None
    """How long an event waits for a second reading; 0: not at all; None: by the usual distance of readings."""
    silent_after_h: Annotated[float, msgspec.Meta(ge=0.25, le=8760)] | None = None
    """None: three times the usual time between its statuses, an hour at least."""
    places: Annotated[list[Geofence], msgspec.Meta(max_length=PLACES_MAX)] = []
    place_margin_m: Annotated[float, msgspec.Meta(ge=0, le=100_000)] = 100.0
    """Distance beyond the radius before a vehicle has left: locations fluctuate."""


DEFAULTS = VehicleEventSettings()


def read(settings: bytes | None) -> VehicleEventSettings:
    """The stored settings; the defaults if they cannot be read."""
    if settings is None:
        return DEFAULTS
    try:
        return _settings.decode(settings)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return DEFAULTS


def parse(document: Any) -> VehicleEventSettings:
    """Settings from a request. Raises BadRequest with a sentence that names the field."""
    try:
        settings = msgspec.convert(document, VehicleEventSettings)
    except msgspec.ValidationError as error:
        raise BadRequest(f"the event settings are refused: {error}".replace(" - at `$.", ": see `")) from None
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
