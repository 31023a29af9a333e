"""Statuses: one arrives, is decoded anew, or is timely after all."""

from __future__ import annotations

import msgspec

from evd.model.operations.base import Operation
from evd.model.retention import Verdict
from evd.model.status import Status


class Arrive(Status, Operation, frozen=True, gc=False):
    """A status arrived. The result is a Stored; UnknownVehicle is raised where vehicles must be known."""

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
    """What became of an arrival."""

    verdict: Verdict


STORED = {verdict: Stored(verdict) for verdict in Verdict}


NEWEST = STORED[Verdict.NEWEST]
"""What becomes of nearly every arrival: this very object."""


NO_ROOM = STORED[Verdict.NO_ROOM]


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


class MendClock(Operation, frozen=True, gc=False):
    """The server's clock was behind and is right now: statuses that lay ahead of it, up to `until`, are timely."""

    until: int
