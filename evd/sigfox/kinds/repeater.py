"""SERVICE/REPEATER: a repeater's state and its counts of repeated messages."""

from __future__ import annotations

from evd.model.operations import Operation
from evd.sigfox.kinds.kind import BARE, DEVICE, EXAMPLE_DEVICE, QUOTED, TIME, FormRow, Kind, MenuEntry
from evd.sigfox.kinds.readers import ReadCallback, modem_operations, modem_words

COUNTS = ("repeatedMsg", "whitelistDevices", "unwantedDevices", "unwantedMsg", "wrongMsg", "overRegulmsg")


def report(callback: ReadCallback) -> tuple[Operation, ...]:
    counts = [f"{name} {words}" for name in COUNTS if (words := callback.text(name))]
    note = callback.note("info", f"The repeater reports {', '.join([modem_words(callback), *counts])}.")
    return (note, *modem_operations(callback))


KIND = Kind(
    name="repeater",
    summary="SERVICE/REPEATER: what a repeater did.",
    example={**EXAMPLE_DEVICE, "batt": 3.6, "repeatedMsg": 340},
    type=MenuEntry("SERVICE", 1),
    subtype=MenuEntry("REPEATER", 5),
    required=(DEVICE, TIME, ("batt", *COUNTS)),
    marks=tuple((name,) for name in COUNTS),
    report=report,
    form=FormRow(
        order=4,
        template={
            "device": QUOTED,
            "time": BARE,
            "batt": BARE,
            "whitelistDevices": BARE,
            "repeatedMsg": BARE,
            "unwantedDevices": BARE,
            "unwantedMsg": BARE,
            "wrongMsg": BARE,
            "overRegulmsg": BARE,
            "deviceTypeId": QUOTED,
        },
        purpose="the state of a repeater; only needed where there are some",
    ),
)
