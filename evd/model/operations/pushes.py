"""Pushes: their outcomes, and the pause of all."""

from __future__ import annotations

from typing import Literal

import msgspec

from evd.model.operations.base import Operation

PushVerdict = Literal["taken", "failed", "drop", "later"]
"""Taken by the provider; never to be taken; neither, and its registration is dead; to be tried again."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """The outcome of one push."""

    registration: int
    outbox: int
    """The event's row in the outbox; 0: it was a state."""
    vehicle: str
    token: str
    kind: str
    what: str
    """`state`, or the event's kind."""
    status_id: str
    verdict: PushVerdict
    said: str
    """The provider's message id, or what went wrong."""
    committed: int | None
    sent: int
    at: int
    due: int = 0
    """When it is to be tried again."""
    attempts: int = 0
    """How many attempts failed in a row, if it is to be tried again."""
    expires: int = 0
    """An event that its user wants later is worth sending until then, at least."""


class Outcomes(Operation, frozen=True, gc=False):
    """The outcomes of several pushes. A registration that was renewed after the send outlives the answer `drop`."""

    outcomes: tuple[Outcome, ...]

    @property
    def size_bytes(self) -> int:
        return 512 * len(self.outcomes)

    @property
    def rows(self) -> int:
        return len(self.outcomes)


class PausePushes(Operation, frozen=True, gc=False):
    """The operator pauses all pushes, or resumes them; the pause outlives a restart."""

    paused: bool
    at: int


class PutOff(Operation, frozen=True, gc=False):
    """No repeat is due later than `latest`: a clock that was set back since would keep it waiting until then."""

    latest: int


class ForgetExpired(Operation, frozen=True, gc=False):
    """Delete pushes of events that expired by `before`, at most `limit`: their registrations have no provider."""

    before: int
    limit: int
