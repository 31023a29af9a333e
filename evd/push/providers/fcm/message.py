"""Encode a push as an FCM v1 message: firebase-admin encodes each shape of message once, and texts are spliced into it.

firebase-admin takes about 60 µs a message, most of it for what all messages have in common. Messages of one shape
differ in texts only, so a shape is encoded with a mark for each text, cut at the marks, and kept.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import msgspec
import orjson
from firebase_admin import messaging

from evd.errors import GiveUp
from evd.push.protocols import STATE, Priority, Push

SHAPES_MAX = 256
"""Shapes that are kept: a fleet has one for each pair of ttl and priority, times a handful."""

Part = Callable[[Push], str]

#: The texts that are spliced in; each is a JSON string of the message.
PARTS: dict[str, Part] = {
    "target": lambda push: push.target,
    "serialized": lambda push: push.serialized,
    "event_id": lambda push: push.event_id,
    "time": lambda push: str(push.time_ms),
    "collapse_key": lambda push: push.collapse_key or "",
    "package": lambda push: push.package or "",
    "event": lambda push: push.what,
    "title": lambda push: push.title,
    "body": lambda push: push.body,
}


class MessageShape(msgspec.Struct, frozen=True, gc=False):
    """What determines a message besides its texts."""

    target_kind: str
    ttl_s: int
    priority: Priority
    state: bool
    collapsed: bool
    for_package: bool


class Template(msgspec.Struct, frozen=True):
    """An encoded shape: the bytes before each text, the texts' sources, and the bytes after the last text."""

    spliced: tuple[tuple[bytes, Part], ...]
    end: bytes


def encode(push: Push) -> bytes:
    """The body of FCM's `messages:send`, UTF-8.

    `data` has `serialized` (the document, as the original's app expects it), `event_id` and `time` (epoch ms); an event
    also `event` (its kind), `title` and `body`, and a notification, which Android shows while the app is not on screen.

    Raises GiveUp if it cannot be written as a message.
    """
    shape = MessageShape(
        push.target_kind,
        push.ttl_s,
        push.priority,
        push.what == STATE,
        bool(push.collapse_key),
        bool(push.package),
    )
    try:
        if not push.target:
            raise ValueError("its target is empty")
        template = template_of(shape)
        pieces = []
        for before, part in template.spliced:
            pieces.append(before)
            pieces.append(orjson.dumps(part(push)))
        pieces.append(template.end)
        return b"".join(pieces)
    except (ValueError, OverflowError, orjson.JSONEncodeError) as error:
        raise GiveUp(f"Push {push.event_id} cannot be written as an FCM message: {error}.") from error


@functools.lru_cache(SHAPES_MAX)
def template_of(shape: MessageShape) -> Template:
    """Encode a shape. Raises ValueError or OverflowError if firebase-admin rejects it."""
    names = {_mark(name): part for name, part in PARTS.items()}
    text = f'{{"message": {message_of(shape, *map(_mark, PARTS))}}}'
    spliced: list[tuple[bytes, Part]] = []
    while True:
        found = [(at, mark) for mark in names if (at := text.find(f'"{mark}"')) >= 0]
        if not found:
            return Template(tuple(spliced), text.encode())
        at, mark = min(found)
        spliced.append((text[:at].encode(), names[mark]))
        text = text[at + len(mark) + 2 :]


def _mark(name: str) -> str:
    return f"<{name}>"


def message_of(
    shape: MessageShape,
    target: str,
    serialized: str,
    event_id: str,
    time: str,
    collapse_key: str,
    package: str,
    event: str,
    title: str,
    body: str,
) -> messaging.Message:
    """The message as an object of firebase-admin. The texts are in the order of PARTS."""
    data = {"serialized": serialized, "event_id": event_id, "time": time}
    notification = tray = None
    if not shape.state:
        data |= {"event": event, "title": title, "body": body}
        notification = messaging.Notification(title=title, body=body)
        # A second delivery of the same event replaces the first one on the screen.
        tray = messaging.AndroidNotification(tag=event_id)
    message = messaging.Message(
        data=data,
        notification=notification,
        android=messaging.AndroidConfig(
            ttl=shape.ttl_s,
            priority=shape.priority,
            collapse_key=collapse_key if shape.collapsed else None,
            restricted_package_name=package if shape.for_package else None,
            notification=tray,
        ),
    )
    # Set here and not above, where firebase-admin warns that fid replaces token: a registration token is no fid, and
    # FCM distinguishes the two.
    if shape.target_kind == "fid":
        message.fid = target
    else:
        message.token = target
    return message
