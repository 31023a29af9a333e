"""DATA/BIDIR: a message whose device may ask for a downlink; the answer carries it."""

from __future__ import annotations

from evd.sigfox.kinds.kind import BARE, DEVICE, EXAMPLE_MESSAGE, MESSAGE, TIME, FormRow, Kind, MenuEntry

KIND = Kind(
    name="bidir",
    summary="DATA/BIDIR: a message whose device may ask for a downlink, which the answer has.",
    example={**EXAMPLE_MESSAGE, "ack": True},
    type=MenuEntry("DATA", 0),
    subtype=MenuEntry("BIDIR", 3),
    required=(DEVICE, TIME),
    marks=(("ack",), ("longPolling",)),
    marked_by_null=True,
    with_payload=True,
    downlink=True,
    form=FormRow(
        order=0,
        template={**MESSAGE, "ack": BARE},
        decodes=True,
        purpose="every message, and the way back: set the device type's downlink mode to CALLBACK, and tick Downlink "
        "at this one callback",
    ),
)
