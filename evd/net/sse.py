"""Server-sent events as text, written and read (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

CONTENT_TYPE = "text/event-stream"

BEAT = b":\n\n"
"""A comment: it says nothing, and keeps proxies from taking a quiet connection for a dead one."""


class ServerSentEvent(NamedTuple):
    """An event as its reader is told of it; `event_id` is the last that the stream gave, "" before the first."""

    name: str
    event_id: str
    data: str


def written(name: str, event_id: str, data: bytes) -> bytes:
    """One event; none of the three holds a line break, and a stream without resuming has no ids ("")."""
    identity = b"id: %b\n" % event_id.encode() if event_id else b""
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), identity, data)


def opening(retry_ms: int, event_id: str) -> bytes:
    """How long the reader waits until it connects again, and from where on; no event of its own."""
    identity = b"id: %b\n" % event_id.encode() if event_id else b""
    return b"retry: %d\n%b\n" % (retry_ms, identity)


def read(lines: Iterable[str]) -> Iterator[ServerSentEvent]:
    """The events in the lines of a stream (without their ends).

    One without data is no event to a browser: it says where the reader is, or only that the stream is still there.
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
