"""Operations for what evd tells phones: registrations, what became of pushes, and events; times are epoch ms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

import msgspec

from evd.store import Operation

Client = Literal["original", "v1"]
"""By whose routes a phone registered: the original's, as its app does once, at log-in, or `/api/v1`, at each start."""

ORIGINAL: Client = "original"


class Register(Operation, frozen=True, gc=False):
    """A phone wants a vehicle's pushes, with the vehicle's id spelled its way; said again, it renews.

    A phone is one user's at a time: it hears no more of what it was registered for by the one before him. The result is
    None, or how many phones made room for it though a provider took a push for them lately.
    """

    vehicle: str
    spelling: str
    token: str
    uid: str
    at: int
    kind: Literal["token", "fid", "webhook"] = "token"
    client: Client = "v1"
    displaces: bool = True
    """Whether another phone makes room where there are too many; else LimitReached is raised."""


class Renew(Operation, frozen=True, gc=False):
    """A user asked for something: his phones count as seen. Those that were renewed within a day stay as they are.

    The result is the vehicles that the others hear of.
    """

    uid: str
    at: int


class Unregister(Operation, frozen=True, gc=False):
    """The result is False if there is no such registration, of `uid` where one is given."""

    vehicle: str
    token: str
    uid: str | None = None


class ForgetUnseen(Operation, frozen=True, gc=False):
    """Registrations that were not renewed since `before` go, `limit` at most; the result is how many went."""

    before: int
    limit: int


Verdict = Literal["taken", "failed", "drop", "later"]
"""Taken by the provider; never to be taken; neither, and its registration is dead; to be tried again."""


class ForgetExpired(Operation, frozen=True, gc=False):
    """Pushes of events that were worth nothing at `before` go, `limit` at most: nobody sends to those who want them."""

    before: int
    limit: int


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one push."""

    registration: int
    outbox: int
    """The event's row in the outbox; 0: it was a state."""
    vehicle: str
    token: str
    kind: str
    what: str
    """`state`, or the event's kind."""
    status_id: str
    verdict: Verdict
    said: str
    """The provider's message id, or what went wrong."""
    committed: int | None
    sent: int
    at: int
    due: int = 0
    """When it is to be tried again."""
    attempts: int = 0
    """So many failed in a row, where it is to be tried again."""
    expires: int = 0
    """An event that its user wants later is worth sending until then, at least."""


class Outcomes(Operation, frozen=True, gc=False):
    """What became of several pushes. A registration that was renewed after the send outlives the answer `drop`."""

    outcomes: tuple[Outcome, ...]

    @property
    def size_bytes(self) -> int:
        return 512 * len(self.outcomes)

    @property
    def rows(self) -> int:
        return len(self.outcomes)


class PausePushes(Operation, frozen=True, gc=False):
    """The operator stops all pushes, or lets them go on; it outlives a restart."""

    paused: bool
    at: int


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """Something happened to a vehicle; `details` is a JSON object, `status_id` empty where no status showed it."""

    kind: str
    time: int
    status_id: str
    details: bytes
    samples: bytes = b"[]"
    """JSON: the two samples that were compared."""
    self_told: tuple[Client, ...] = ()
    """Whose apps tell it themselves: it waits for none of their phones."""


class RecordEvents(Operation, frozen=True, gc=False):
    """What evd.alerts found in a vehicle's statuses, and what it has to remember of it, in one transaction.

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


class SetAlerts(Operation, frozen=True, gc=False):
    """How alerts are set for a vehicle, as JSON; None: the defaults. UnknownVehicle is raised for an unknown one."""

    vehicle: str
    settings: bytes | None


class SetPreferences(Operation, frozen=True, gc=False):
    """What a user wants to be told, as JSON."""

    uid: str
    settings: bytes
    at: int


class Phone(msgspec.Struct, frozen=True, gc=False):
    """A registration, and how far its deliveries are."""

    number: int
    vehicle: str
    token: str
    kind: Literal["token", "fid", "webhook"]
    spelling: str
    uid: str
    renewed: int
    given: str
    """The id of the status it was given last."""
    due: int | None
    attempts: int
    client: Client = "v1"


class State(msgspec.Struct, frozen=True, gc=False):
    """A vehicle's last status, as far as a push needs it."""

    vehicle: str
    status_id: str
    time: int
    connectivity: int
    seq: int | None
    payload: bytes | None
    fields: bytes
    """A JSON object, under the app's names."""
    received: int


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
    phone: Phone
    settings: bytes | None
    """The user's preferences, as JSON."""


class PutOff(Operation, frozen=True, gc=False):
    """No repeat is due later than `latest`: a clock that was set back since would keep it waiting until then."""

    latest: int


class Pending(Protocol):
    """What waits to be pushed by one provider, read in short questions."""

    def phones_of(self, vehicle: str) -> list[Phone]:
        """All registrations for a vehicle."""

    def last_of(self, vehicle: str) -> State | None:
        """The vehicle's last status."""

    def phones_after(self, number: int, limit: int) -> list[Phone]:
        """Registrations with a number above `number`, in their order: to find what no one remembers."""

    def phones_due(self, now: int, limit: int) -> list[Phone]:
        """Registrations whose last attempt failed and is to be repeated by now, those first that waited longest."""

    def events_due(self, now: int, limit: int) -> list[EventDue]:
        """Events whose push is due, those first that waited longest."""

    def next_due(self, now: int) -> int | None:
        """When the next state or event will be due, after `now`."""

    def put_off_beyond(self, at: int) -> bool:
        """Whether a repeat is due later than that."""

    def vehicles(self) -> Iterable[str]:
        """Every vehicle that somebody is registered for; some more than once."""

    def paused_since(self) -> int:
        """When the operator stopped all pushes; 0: he did not."""
