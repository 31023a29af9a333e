"""SERVICE/DATA_ADVANCED: link quality and computed location of a message, sent half a minute after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from evd.model.operations import Annotate, Arrive, Operation
from evd.sigfox import radio_metadata as radio
from evd.sigfox.kinds.kind import BARE, DEVICE, EXAMPLE_MESSAGE, MESSAGE, QUOTED, TIME, FormRow, Kind, MenuEntry
from evd.sigfox.kinds.readers import ReadCallback, annotation
from evd.sigfox.message import first_of

RADIO = ("lqi", "linkQuality", "computedLocation", "duplicates", "fixedLat", "fixedLng", "operatorName", "countryCode")
"""Variables that only DATA_ADVANCED has."""

OWN_RADIO = "message"
"""Source of an annotation that comes from the variables of RADIO in the message's own callback."""


def report(callback: ReadCallback) -> tuple[Operation, ...]:
    said = radio.of_advanced(callback.document)
    return (annotation(callback, said, radio.location(said.get("computedLocation", {}))),)


def said_by_message(document: Mapping[str, Any], arrival: Arrive) -> Annotate | None:
    """The annotation made of DATA_ADVANCED's variables in a message's own callback; None if it has none."""
    if not any(first_of(document, (name,)) is not None for name in RADIO):
        return None
    said = radio.of_advanced(document)
    location = radio.location(said.get("computedLocation", {}))
    about = arrival.vehicle, arrival.time, arrival.seq, arrival.payload
    return Annotate(*about, OWN_RADIO, orjson.dumps(said), location, received=arrival.received)


KIND = Kind(
    name="advanced",
    summary="SERVICE/DATA_ADVANCED: a message's link quality and computed location.",
    example={**EXAMPLE_MESSAGE, "lqi": "GOOD", "linkQuality": 2},
    type=MenuEntry("SERVICE", 1),
    subtype=MenuEntry("DATA_ADVANCED", 6),
    required=(DEVICE, TIME),
    marks=tuple((name,) for name in RADIO),
    marked_by_null=True,
    with_payload=True,
    repeats_message=True,
    location_rank=3,
    report=report,
    form=FormRow(
        order=2,
        template={
            **MESSAGE,
            "lqi": QUOTED,
            "linkQuality": BARE,
            "fixedLat": BARE,
            "fixedLng": BARE,
            "operatorName": QUOTED,
            "countryCode": QUOTED,
            "duplicates": BARE,
            "computedLocation": BARE,
        },
        decodes=True,
        purpose="link quality and computed location, half a minute after the message; evd adds them to it",
    ),
)
