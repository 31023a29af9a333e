"""The protocol of push providers, each of which is a folder in `providers`.

A provider takes a `Push` and either returns the provider's message id or raises a leaf of `PushError`, which says what
to do next. The dispatcher decides when to send, when to retry and when to give up; a provider sends once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, runtime_checkable

import msgspec

Priority = Literal["normal", "high"]

STATE = "state"
"""What a push carries: a state, or else the kind of an event."""


class Push(msgspec.Struct, frozen=True, gc=False):
    """One message for one registration: the newest status of its vehicle, or an event."""

    target_kind: str
    """The name of one of the provider's kinds of target."""
    target: str
    what: str
    """`state`, or the kind of the event."""
    event_id: str
    """The same for each attempt and each phone, so that a receiver can drop repeats."""
    time_ms: int
    """When the vehicle sent it, or when the event happened (epoch ms), so that a receiver can drop older ones."""
    serialized: str
    """The status document, as JSON text."""
    ttl_s: int
    """How long the provider may keep the message for a phone that it cannot reach."""
    priority: Priority
    collapse_key: str | None = None
    """Of several messages with the same key, a phone that was unreachable gets the newest."""
    package: str | None = None
    """The only app that may receive it; None for any app that the token belongs to."""
    vehicle: str = ""
    """The vehicle's id, for a provider whose target is the whole fleet's."""
    title: str = ""
    """What a phone shows of an event, with `body`, in the user's language; empty for a state."""
    body: str = ""


class Pusher(Protocol):
    """Sends through one provider; `evd.push.traits` has everything else about the provider."""

    async def send(self, push: Push) -> str:
        """Hand one message to the provider; returns its message id.

        Returns or raises within a time that the provider states. Cancelling is safe, but the message may be sent.

        Raises DropRegistration, GiveUp, RetryAfter (not sooner than `delay_s`) or Pause (no push at all for `delay_s`).
        """
        ...

    async def aclose(self) -> None:
        """Close the connections, without waiting for requests in flight."""
        ...


@runtime_checkable
class FleetPusher(Pusher, Protocol):
    """Sends to one receiver for every vehicle, over a connection that lasts (`ProviderTraits.every_vehicle`)."""

    async def run(self, connected: Callable[[], None]) -> None:
        """Be connected, for ever. `connected` is called whenever every vehicle is to be announced."""
        ...

    async def announce(self, push: Push) -> None:
        """Say a vehicle's last status, unless a newer one was said meanwhile. Raises PushError."""
        ...

    def forget(self, vehicle: str) -> None:
        """The vehicle is deleted, or has become another one."""
        ...
