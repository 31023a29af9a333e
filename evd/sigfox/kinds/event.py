"""EVENT: what Sigfox reports of a device, a device type or a group. Sigfox's REST API cannot create this callback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evd.model.operations import Operation
from evd.sigfox.kinds.kind import BARE, EXAMPLE_DEVICE, QUOTED, TIME, FormRow, Kind, MenuEntry
from evd.sigfox.kinds.readers import SEVERITIES, ReadCallback
from evd.sigfox.message import VEHICLE_NAMES, Envelope, first_of, read_envelope, read_sequence, read_time

#: Variables that describe the event → their words in the log (resources.sigfox.com/docs/event-type).
_FACTS = {
    "deviceLastSeqnumber": "last seqNumber",
    "deviceExpectedSeqnumber": "expected",
    "deviceMessageSeqnumber": "got",
    "deviceInfo": "device",
    "eventText": "Sigfox says",
}


def envelope(document: Mapping[str, Any]) -> Envelope:
    """The envelope of an event; the vehicle is empty if it concerns a device type or a group. Raises BadRequest."""
    spelling = first_of(document, VEHICLE_NAMES)
    if spelling is None and str(document.get("sourceType", "")).upper() == "DEVICE":
        spelling = first_of(document, ("sourceId",))
    if spelling is not None:
        return read_envelope({**document, VEHICLE_NAMES[0]: spelling})
    return Envelope("", "", read_time(document), read_sequence(document))


def report(callback: ReadCallback) -> tuple[Operation, ...]:
    """A note with the event's type and its counts and words."""
    severity = SEVERITIES.get(callback.text("severity").upper(), "info")
    words = callback.text("eventType").replace("_", " ").capitalize()
    facts = [f"{label} {value}" for name, label in _FACTS.items() if (value := callback.text(name))]
    return (callback.note(severity, f"{words}: {', '.join(facts)}." if facts else f"{words}."),)


KIND = Kind(
    name="event",
    summary="EVENT: Sigfox reports something of a device.",
    example={**EXAMPLE_DEVICE, "severity": "WARN", "eventType": "OVERUSE"},
    type=MenuEntry("EVENT", None),
    required=(TIME, ("eventType",)),
    marks=(("eventType",),),
    envelope=envelope,
    report=report,
    form=FormRow(
        order=6,
        # Each event fills other variables and leaves the rest null: in quotes the template is JSON for all of them.
        template={
            "time": BARE,
            "severity": QUOTED,
            "eventType": QUOTED,
            "sourceId": QUOTED,
            "sourceType": QUOTED,
            "deviceTypeId": QUOTED,
            "groupId": QUOTED,
            "deviceLastSeqnumber": QUOTED,
            "deviceExpectedSeqnumber": QUOTED,
            "deviceMessageSeqnumber": QUOTED,
            "deviceMessageTime": QUOTED,
            "deviceInfo": QUOTED,
        },
        purpose="breaks in the sequence, contracts, first messages; set up at a group, a device type or a device",
    ),
)
