"""Server-sent events as text, written and read (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

CONTENT_TYPE = "text/event-stream"

BEAT = b":\n\n"
"""A comment, which carries nothing and keeps proxies from closing a quiet connection."""


class ServerSentEvent(NamedTuple):
    """An event as a reader gets it; `event_id` is the last id of the stream, "" before the first."""

    name: str
    event_id: str
    data: str


def written(name: str, event_id: str, data: bytes) -> bytes:
    """One event; none of the three arguments contains a line break; a stream that cannot be resumed has no ids ("")."""
    identity = b"id: %b\n" % event_id.encode() if event_id else b""
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), identity, data)


def opening(retry_ms: int, event_id: str) -> bytes:
    """The delay before a reader connects again, and the id to resume from; not an event."""
    identity = b"id: %b\n" % event_id.encode() if event_id else b""
    return b"retry: %d\n%b\n" % (retry_ms, identity)


def read(lines: Iterable[str]) -> Iterator[ServerSentEvent]:
    """The events in the lines (without line ends) of a stream.

    An event without data is none to a browser: it carries a new id, or shows that the stream is alive.
    """
    name, event_id, data = "", "", list[str]()
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            yield ServerSentEvent(name or "message", event_id, "\n".join(data))
            name, data = "", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id" and "\0" not in value:
            event_id = value
