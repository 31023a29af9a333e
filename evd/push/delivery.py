"""One push to one registration, from its start until its outcome is on disk."""

from __future__ import annotations

from evd.model.operations import EventDue, Registration
from evd.model.status import Status
from evd.push.protocols import STATE


class Delivery:
    """A push to `registration`, of `state` or of `event`."""

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
        """When the status was known to be on disk (epoch ms); None if that was before this process started."""
        self.attempts = event.attempts if event else registration.attempts
        self.sent = 0
        self.newer: tuple[Status, int | None] | None = None
        """A newer status that came while this one was in flight."""

    @property
    def key(self) -> int:
        """Identifies what may be in flight once: a registration's state, or (below 0) an event's row."""
        return -self.event.number if self.event else self.registration.number

    @property
    def what(self) -> str:
        return self.event.kind if self.event else STATE

    @property
    def status_id(self) -> str:
        """The id of its status, or of the status that showed the event."""
        if self.event is not None:
            return self.event.status_id
        return self.state.status_id if self.state else self.registration.given
