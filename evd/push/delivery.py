"""One push on its way to a registration."""

from __future__ import annotations

from evd.model.operations import EventDue, Registration
from evd.model.status import Status
from evd.push.protocols import STATE


class Delivery:
    """One push on its way: to `registration`, of `state` or of `event`."""

    __slots__ = ("attempts", "committed", "event", "newer", "registration", "sent", "state")

    def __init__(
        self,
        registration: Registration,
        state: Status | None,
        event: EventDue | None,
        committed: int | None,
    ) -> None:
        self.registration = registration
        self.state = state
        self.event = event
        self.committed = committed
        """When the status was known to be on disk (epoch ms); None: before this run of evd."""
        self.attempts = event.attempts if event else registration.attempts
        self.sent = 0
        self.newer: tuple[Status, int | None] | None = None
        """A status that came while this one was on its way."""

    @property
    def key(self) -> int:
        """Of what can be on its way once: a registration's state, or (below 0) an event's row."""
        return -self.event.number if self.event else self.registration.number

    @property
    def what(self) -> str:
        return self.event.kind if self.event else STATE

    @property
    def status_id(self) -> str:
        """Of the status that it tells, or that showed the event."""
        if self.event is not None:
            return self.event.status_id
        return self.state.status_id if self.state else self.registration.given
