"""Events: what happened to a vehicle, the events engine's memory of it, and the users' preferences."""

from __future__ import annotations

import msgspec

from evd.model.operations.base import Operation
from evd.model.operations.registrations import Client, Registration


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """Something happened to a vehicle; `details` is a JSON object, `status_id` is empty if no status showed it."""

    kind: str
    time: int
    status_id: str
    details: bytes
    samples: bytes = b"[]"
    """JSON: the two samples that were compared."""
    shown_by_app: tuple[Client, ...] = ()
    """Clients whose apps show it by themselves: it is not pushed to their registrations."""


class RecordEvents(Operation, frozen=True, gc=False):
    """Keep a vehicle's new events and the memory of the event rules, in one transaction.

    Each event is kept and waits in the outbox for every registration whose user wants it. The result is how many
    pushes that made. An event of the same kind, status and time as one that is kept changes nothing.
    """

    vehicle: str
    state: bytes
    """JSON."""
    events: tuple[NewEvent, ...]
    at: int

    @property
    def rows(self) -> int:
        return 1 + len(self.events)


class EventDue(msgspec.Struct, frozen=True, gc=False):
    """A row of the outbox with its event."""

    number: int
    event: int
    kind: str
    time: int
    status_id: str
    details: bytes
    expires: int
    attempts: int
    registration: Registration
    settings: bytes | None
    """The user's preferences, as JSON."""


class SetEventSettings(Operation, frozen=True, gc=False):
    """The event settings of a vehicle, as JSON; None: the defaults. Raises UnknownVehicle."""

    vehicle: str
    settings: bytes | None


class SetPreferences(Operation, frozen=True, gc=False):
    """A user's preferences for events, as JSON."""

    uid: str
    settings: bytes
    at: int
