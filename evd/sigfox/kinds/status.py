"""SERVICE/STATUS: battery and temperature of the modem, in an out-of-band frame."""

from __future__ import annotations

from evd.model.operations import Operation
from evd.sigfox.kinds.kind import BARE, DEVICE, EXAMPLE_DEVICE, QUOTED, TIME, FormRow, Kind, MenuEntry
from evd.sigfox.kinds.readers import ReadCallback, modem_operations, modem_words


def report(callback: ReadCallback) -> tuple[Operation, ...]:
    note = callback.note("info", f"The modem reports {modem_words(callback)}.")
    return (note, *modem_operations(callback))


KIND = Kind(
    name="status",
    summary="SERVICE/STATUS: the modem's battery and temperature.",
    example={**EXAMPLE_DEVICE, "batt": 3.34, "temp": 21.4},
    type=MenuEntry("SERVICE", 1),
    subtype=MenuEntry("STATUS", 0),
    required=(DEVICE, TIME, ("batt", "temp")),
    marks=(("batt",), ("temp",)),
    report=report,
    form=FormRow(
        order=1,
        template={
            "device": QUOTED,
            "time": BARE,
            "seqNumber": BARE,
            "batt": BARE,
            "temp": BARE,
            "deviceTypeId": QUOTED,
        },
        purpose="battery and temperature of the modem; its frames carry no message and must not count as lost",
    ),
)
