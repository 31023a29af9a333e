"""Push providers: one protocol, one folder a provider.

A provider takes a `Push` and either returns the provider's message id or raises a leaf of `PushError`, which says what
to do next. When to send, how often to try again and when to give up are the dispatcher's; a provider sends once.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

Priority = Literal["normal", "high"]

STATE = "state"
"""What a push tells: this, or the kind of an event."""


class Push(msgspec.Struct, frozen=True, gc=False):
    """One message for one registration: the newest status of its vehicle, or an event."""

    target_kind: str
    """The name of one of the provider's kinds of target."""
    target: str
    what: str
    """`state`, or the kind of the event."""
    event_id: str
    """The same for each attempt and each phone: lets the receiver drop what it has seen."""
    time_ms: int
    """When the vehicle said so, or when it happened (epoch ms): lets the receiver drop what is older than it knows."""
    serialized: str
    """The status document, as JSON text."""
    ttl_s: int
    """How long the provider may hold the message for a phone it cannot reach."""
    priority: Priority
    collapse_key: str | None = None
    """Of messages with the same one, a phone that comes back is given the newest."""
    package: str | None = None
    """The only app that may receive it; None is any app the token belongs to."""
    title: str = ""
    """What a phone shows of an event, with `body`, in its user's language; empty for a state."""
    body: str = ""


class Pusher(Protocol):
    """What sends for a provider; `evd.push.traits` has what else is known of the provider."""

    async def send(self, push: Push) -> str:
        """Hand one message to the provider; returns its message id.

        Returns or raises within a time the provider states. Cancelling is safe, but the message may have gone out.

        Raises DropRegistration, GiveUp, RetryAfter (not sooner than `delay_s`) or Pause (no push at all for `delay_s`).
        """
        ...

    async def aclose(self) -> None:
        """Close the connections. What is being sent is not waited for."""
        ...
