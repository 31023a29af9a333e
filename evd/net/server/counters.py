"""What happened at the two servers since the start. `/metrics` gives each number."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class EdgeCounters:
    """Of all edges of a process together."""

    connections: int = 0
    """Accepted, and given a place."""
    requests: int = 0
    """Whose heads were read here; those that were handed over with their connection among them."""
    refused: int = 0
    """For their form, their size or their delay."""
    timed_out: int = 0
    """Of these, for their delay; and requests that were not answered in time."""
    handed_over: int = 0
    """Connections that the second server serves from there on."""
    broken: int = 0
    """Connections that the other side broke, TLS handshakes that failed among them."""
    failed: int = 0
    """Requests and connections that ended by an unexpected exception."""


@dataclass(slots=True)
class AsgiCounters:
    """Of the second server, once a connection has ended."""

    refused: int = 0
    failed: int = 0


@dataclass(slots=True)
class ServerCounters:
    """Of both."""

    edge: EdgeCounters = field(default_factory=EdgeCounters)
    web: AsgiCounters = field(default_factory=AsgiCounters)
