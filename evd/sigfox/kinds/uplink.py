"""DATA/UPLINK: a message, sent when the first base station has received it."""

from __future__ import annotations

from evd.sigfox.kinds.kind import DEVICE, EXAMPLE_MESSAGE, MESSAGE, TIME, FormRow, Kind, MenuEntry

KIND = Kind(
    name="uplink",
    summary="DATA/UPLINK: a vehicle's message.",
    example=EXAMPLE_MESSAGE,
    type=MenuEntry("DATA", 0),
    subtype=MenuEntry("UPLINK", 2),
    required=(DEVICE, TIME),
    with_payload=True,
    vehicle_routes=("/wlan", "/wifi"),
    form=FormRow(
        order=0,
        template=MESSAGE,
        decodes=True,
        purpose="every message, as soon as the first base station has it",
    ),
)
