"""ERROR: a device that went silent, or a base station that is down."""

from __future__ import annotations

from evd.model.operations import Operation
from evd.sigfox.kinds.kind import BARE, DEVICE, EXAMPLE_DEVICE, QUOTED, TIME, FormRow, Kind, MenuEntry
from evd.sigfox.kinds.readers import SEVERITIES, ReadCallback


def report(callback: ReadCallback) -> tuple[Operation, ...]:
    severity = SEVERITIES.get(callback.text("severity").upper(), "error")
    return (callback.note(severity, callback.text("info") or "Sigfox reports an error and does not say which."),)


KIND = Kind(
    name="error",
    summary="ERROR: Sigfox hears a device no more.",
    example={**EXAMPLE_DEVICE, "info": "No message received", "severity": "ERROR"},
    type=MenuEntry("ERROR", 2),
    required=(DEVICE, TIME, ("info", "severity")),
    marks=(("info", "severity"),),
    report=report,
    form=FormRow(
        order=5,
        template={"device": QUOTED, "time": BARE, "info": QUOTED, "severity": QUOTED, "deviceTypeId": QUOTED},
        purpose="a device that went silent, or a base station that is down",
    ),
)
