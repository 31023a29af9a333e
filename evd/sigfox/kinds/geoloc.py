"""SERVICE/GEOLOC: where the network located a message. Sigfox deprecated it: no new one can be created."""

from __future__ import annotations

from evd.model.operations import Operation
from evd.sigfox import radio_metadata as radio
from evd.sigfox.kinds.kind import DEVICE, EXAMPLE_DEVICE, TIME, Kind, MenuEntry
from evd.sigfox.kinds.readers import ReadCallback, annotation


def report(callback: ReadCallback) -> tuple[Operation, ...]:
    said = radio.of_geoloc(callback.document)
    return (annotation(callback, said, radio.location(said)),)


KIND = Kind(
    name="geoloc",
    summary="SERVICE/GEOLOC: a computed location.",
    example={**EXAMPLE_DEVICE, "lat": 48.1486, "lng": 17.1077, "radius": 1250},
    type=MenuEntry("SERVICE", 1),
    subtype=MenuEntry("GEOLOC", 1),
    required=(DEVICE, TIME, ("lat",), ("lng",)),
    marks=(("radius",), ("geolocSource",)),
    position=True,
    location_rank=2,
    report=report,
)
