"""Counters of the edge and the ASGI server since the start; `/metrics` shows each."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class EdgeCounters:
    """Counters of all edges of a process together."""

    connections: int = 0
    """Connections that were accepted and given a permit."""
    requests: int = 0
    """Requests whose heads were read here, including those handed over with their connections."""
    refused: int = 0
    """Requests refused for their form, their size or their delay."""
    timed_out: int = 0
    """Those refused for their delay, and requests that were not answered in time."""
    handed_over: int = 0
    """Connections handed over to the ASGI server."""
    broken: int = 0
    """Connections that the peer broke, including failed TLS handshakes."""
    failed: int = 0
    """Requests and connections that ended by an unexpected exception."""


@dataclass(slots=True)
class AsgiCounters:
    """Counters of the ASGI server; a connection is counted when it has ended."""

    refused: int = 0
    failed: int = 0


@dataclass(slots=True)
class ServerCounters:
    """The counters of both servers."""

    edge: EdgeCounters = field(default_factory=EdgeCounters)
    web: AsgiCounters = field(default_factory=AsgiCounters)
