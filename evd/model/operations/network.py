"""What Sigfox reports besides statuses: of a message, a frame, a device."""

from __future__ import annotations

from evd.model.operations.base import Operation


class Annotate(Operation, frozen=True, gc=False):
    """Radio metadata of a message: link quality, a computed location.

    It belongs to the message of this vehicle, time and seqNumber (and payload, where it is given). The result is True
    if that message is in its ring; False if it waits for the message, which may come later; Unavailable if too many
    wait. Raises UnknownVehicle and LimitReached if a status of this vehicle would be refused.
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
    """End the wait of an annotation; it is merged into its message if that has come. The result is None."""

    number: int
    """Of its row; it may be gone."""


class Frame(Operation, frozen=True, gc=False):
    """A device sent a frame that is no message but has a seqNumber: counted, so that it is no gap. The result is None.

    Raises UnknownVehicle if vehicles must be known.
    """

    vehicle: str
    time: int
    seq: int
    received: int


class Note(Operation, frozen=True, gc=False):
    """An entry of a vehicle's log. The result is False if it is there already."""

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
