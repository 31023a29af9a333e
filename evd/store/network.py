"""Operations for what Sigfox says beside statuses, and for what evd says to devices; times are epoch ms.

The result of each is said in its docstring. Every one may come again (a redelivery, a replay, a backfill) and changes
nothing then.
"""

from __future__ import annotations

from evd.store import Operation


class Several(Operation, frozen=True, gc=False):
    """Operations of one request, in one transaction. The result is the list of theirs, single ones' errors included."""

    operations: tuple[Operation, ...]

    @property
    def size_bytes(self) -> int:
        return sum([operation.size_bytes for operation in self.operations])

    @property
    def rows(self) -> int:
        return len(self.operations)


class Annotate(Operation, frozen=True, gc=False):
    """What the network found out about a message: link quality, a computed location.

    It belongs to the message of this vehicle, time and seqNumber (and payload, where it is given). The result is True
    where that message is in its ring; False: it waits for the message, which may come later. It is Unavailable where
    too many wait. UnknownVehicle and LimitReached are raised where a status of this vehicle would be refused.
    """

    vehicle: str
    time: int
    seq: int | None
    payload: bytes | None
    source: str
    """`message` (its own callback), `geoloc` or `advanced`; a later one of these has the better location."""
    radio: bytes
    """A JSON object."""
    location: str | None
    """`LAT,LNG` in degrees, for the status that has no location of its own."""
    received: int
    document: bytes | None = None
    """The callback as it was received, a JSON object: what its message is made of, should nothing else come of it."""

    @property
    def size_bytes(self) -> int:
        return 256 + len(self.radio) + len(self.document or b"")


class WaitNoLonger(Operation, frozen=True, gc=False):
    """An annotation that waits goes to its message, if that is there now, and waits no longer. The result is None."""

    number: int
    """Of its row; it may be gone."""


class Frame(Operation, frozen=True, gc=False):
    """A device sent a frame that is no message but has a seqNumber: counted, so that it is no gap. The result is None.

    UnknownVehicle is raised where vehicles must be known.
    """

    vehicle: str
    time: int
    seq: int
    received: int


class Note(Operation, frozen=True, gc=False):
    """An entry of a vehicle's log. The result is False where it is there already."""

    note_id: str
    vehicle: str
    """Empty: it concerns a group or a device type."""
    kind: str
    severity: str
    """`info`, `warn` or `error`."""
    time: int
    text: str
    """One sentence for people."""
    document: bytes
    received: int

    @property
    def size_bytes(self) -> int:
        return 256 + len(self.text) + len(self.document)


class Modem(Operation, frozen=True, gc=False):
    """The state of a device's modem; the newest by time counts. The result is None."""

    vehicle: str
    time: int
    battery_v: float | None
    temperature_c: float | None
    received: int


class QueueDownlink(Operation, frozen=True, gc=False):
    """Eight bytes for a vehicle that asks. The result is the downlink's number, or LimitReached."""

    vehicle: str
    payload: bytes
    created: int
    expires: int


class CancelDownlink(Operation, frozen=True, gc=False):
    """The result is False unless it was queued still."""

    number: int
    at: int


class OfferDownlink(Operation, frozen=True, gc=False):
    """A message asks for a downlink. The result is its eight bytes, or None.

    The same message gets the same bytes again, whatever became of them.
    """

    vehicle: str
    asked_by: str
    """The id of the message's status."""
    asked_time: int
    at: int


class CloseDownlink(Operation, frozen=True, gc=False):
    """What became of a downlink (ACKNOWLEDGE). The result is its number, or None where none was offered.

    Sigfox names device and time only: of the vehicle's offered ones, the one asked for nearest to `time` is meant.
    """

    vehicle: str
    time: int
    info_code: int
    info: str
    at: int


class AddFormat(Operation, frozen=True, gc=False):
    """A payload format by name, new or in place of the one of this name. The result is None, or LimitReached."""

    name: str
    grammar: str
    fields: bytes
    """Its table of field options, a JSON object."""
    created: int


class RemoveFormat(Operation, frozen=True, gc=False):
    """The result is False if there is none of this name."""

    name: str


class SetDeviceType(Operation, frozen=True, gc=False):
    """The format of the devices of one type; None takes it back. The result is None, or LimitReached."""

    device_type: str
    format: str | None
    created: int


class Redecode(Operation, frozen=True, gc=False):
    """A status in a ring has these fields from here on. The result is False where it has left its ring."""

    vehicle: str
    status_id: str
    time: int
    seq: int | None
    fields: bytes
    flags: str

    @property
    def size_bytes(self) -> int:
        return 256 + len(self.fields)


class ForgetRejected(Operation, frozen=True, gc=False):
    """A rejected request was taken after all, or is not wanted. The result is False if it is gone."""

    number: int
