"""Statuses: one arrives, is decoded again, or turns out to be timely."""

from __future__ import annotations

import msgspec

from evd.model.operations.base import Operation
from evd.model.retention import Verdict
from evd.model.status import Status


class Arrive(Status, Operation, frozen=True, gc=False):
    """A status arrived. The result is a Stored. Raises UnknownVehicle if vehicles must be known."""

    spelling: str
    """The vehicle's id as it was sent."""
    timely: bool
    """Not ahead of the server's time."""
    document: bytes
    """The body as it was received."""

    @property
    def size_bytes(self) -> int:
        return 256 + len(self.fields) + len(self.document)


class Stored(msgspec.Struct, frozen=True, gc=False):
    """The outcome of an arrival."""

    verdict: Verdict


STORED = {verdict: Stored(verdict) for verdict in Verdict}


NEWEST = STORED[Verdict.NEWEST]
"""The outcome of nearly every arrival: this very object."""


NO_ROOM = STORED[Verdict.NO_ROOM]


class Redecode(Operation, frozen=True, gc=False):
    """Replace the fields of a status in a ring. The result is False if it has left the ring."""

    vehicle: str
    status_id: str
    time: int
    seq: int | None
    fields: bytes
    flags: str

    @property
    def size_bytes(self) -> int:
        return 256 + len(self.fields)


class MendClock(Operation, frozen=True, gc=False):
    """The server's clock was behind and is right now: statuses that were ahead of it, up to `until`, are timely."""

    until: int
