"""One push on its way to a registration."""

from __future__ import annotations

from evd.model.operations import Arrive, EventDue, Phone, State
from evd.push.protocols import STATE


class Flight:
    """One push on its way: to `phone`, of `state` or of `event`."""

    __slots__ = ("attempts", "committed", "event", "newer", "phone", "sent", "state")

    def __init__(
        self, phone: Phone, state: Arrive | State | None, event: EventDue | None, committed: int | None
    ) -> None:
        self.phone = phone
        self.state = state
        self.event = event
        self.committed = committed
        """When the status was known to be on disk (epoch ms); None: before this run of evd."""
        self.attempts = event.attempts if event else phone.attempts
        self.sent = 0
        self.newer: tuple[Arrive | State, int | None] | None = None
        """A status that came while this one was on its way."""

    @property
    def key(self) -> int:
        """Of what can be on its way once: a registration's state, or (below 0) an event's row."""
        return -self.event.number if self.event else self.phone.number

    @property
    def what(self) -> str:
        return self.event.kind if self.event else STATE

    @property
    def status_id(self) -> str:
        """Of the status that it tells, or that showed the event."""
        if self.event is not None:
            return self.event.status_id
        return self.state.status_id if self.state else self.phone.given
