"""Push providers: one protocol, one file a provider.

A provider takes a `Push` and either returns the provider's message id or raises a leaf of `PushError`, which says what
to do next. When to send, how often to try again and when to give up are the dispatcher's; a provider sends once.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec


class Push(msgspec.Struct, frozen=True):
    """One status for one registration."""

    id: int
    """The outbox's number of this push."""
    target: str
    """The registration token."""
    serialized: str
    """The status document, as JSON text."""
    status_id: str
    ttl_s: int
    """How long the provider may hold the message for a phone it cannot reach."""
    priority: Literal["normal", "high"]
    package: str | None
    """The only app that may receive it; None is any app the token belongs to."""
    time_ms: int
    """When the vehicle said so (epoch ms)."""


class Pusher(Protocol):
    """A provider. `name` stands in logs and tables."""

    name: str

    async def send(self, push: Push) -> str:
        """Hand one message to the provider; returns its message id.

        Returns or raises within a time the provider states. Cancelling is safe, but the message may have gone out.

        Raises DropRegistration, GiveUp, RetryAfter (not sooner than `delay_s`) or Pause (no push at all for `delay_s`).
        """
        ...

    async def aclose(self) -> None:
        """Close the connections. What is being sent is not waited for."""
        ...
