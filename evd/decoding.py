"""Whose values count: evd's own decoding of a payload, or the sender's (DESIGN, normal forms: decode)."""

from __future__ import annotations

from typing import Any, NamedTuple

from evd.formats import Format
from evd.json_bytes import json_bytes
from evd.sigfox import Message
from evd.status import NEUTRAL, SIGFOX, disagree, halves

DISAGREES = "disagrees"
"""Flag of a status whose sender's values contradict evd's decoding of the same payload."""


class Decoded(NamedTuple):
    """`fields` is a JSON object under the app's names."""

    fields: bytes
    flag: str = ""


def decode(message: Message, assigned: Format | None, default: Format, connectivity: int) -> Decoded:
    """The values of a message's status.

    evd's own decoding wins where the vehicle has an assigned format, or where the sender's field names are the default
    format's (or there are none); otherwise the sender's values stand. Without a payload, integers that came by Sigfox
    in half-float fields are half floats, unless the sender said `"encoded": false`.
    """
    given = message.fields
    if message.payload is None:
        if connectivity == SIGFOX and message.encoded:
            given = halves(given)
        return Decoded(json_bytes(given))
    if assigned is None and given and not given.keys() - NEUTRAL <= default.names:
        return Decoded(json_bytes(given))
    format = assigned or default
    if not given:
        return Decoded(format.decoder.json(message.payload))
    own: dict[str, Any] = format.decoder.decode(message.payload)
    return Decoded(json_bytes({**given, **own}), DISAGREES if disagree(given, own) else "")
