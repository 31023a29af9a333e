"""Decode kept statuses again by today's formats and rules, and report which of them change, in which fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import msgspec
import orjson

from evd.errors import BadRequest, CodecError, ConfigError
from evd.model.kept_status import KeptStatus
from evd.model.measures import NEUTRAL
from evd.model.status import DATA
from evd.payload.formats import Format, Formats
from evd.redaction.requests import unmasked
from evd.sigfox.decode_policy import FLAGS as OF_DECODING
from evd.sigfox.decode_policy import Decoded, decode
from evd.sigfox.message import Message, read_json, read_message

FLAGS = "(flags)"
"""Stands for the flags among the changed fields; no field's name has parentheses."""

EXAMPLES = 10
"""Changed values that a summary shows."""


class Assignments(Protocol):
    """The formats assigned to vehicles and device types; evd.ingest.cache implements it."""

    def format_for(self, vehicle: str, device_type: str | None) -> str | None: ...


class Redecoded(NamedTuple):
    """A kept status that changes when it is decoded again.

    `fields` are the status's own fields as JSON, without a location computed by the network. `differences` maps each
    changed field to its old and new value as readers see them; None is no value.
    """

    kept: KeptStatus
    fields: bytes
    flags: str
    differences: dict[str, tuple[Any, Any]]


def redecode(kept: KeptStatus, assignments: Assignments, formats: Formats) -> Redecoded | None:
    """Decode a kept status by today's formats and rules; None if nothing changes that a reader can see.

    A status stays as it is if it has neither a payload nor a readable document, or if its payload is longer than any
    format reads.
    """
    decoded = decode_kept(kept, assignments, formats)
    if decoded is None:
        return None
    flags = " ".join([*(flag for flag in kept.flags.split() if flag not in OF_DECODING), *decoded.flags.split()])
    before, after = orjson.loads(kept.fields), located(orjson.loads(decoded.fields), kept.radio)
    differences = {
        name: (before.get(name), after.get(name))
        for name in {**before, **after}
        if _text(before.get(name)) != _text(after.get(name))
    }
    if flags != kept.flags:
        differences[FLAGS] = (kept.flags, flags)
    return Redecoded(kept, decoded.fields, flags, differences) if differences else None


def decode_kept(kept: KeptStatus, assignments: Assignments, formats: Formats) -> Decoded | None:
    """Its values by today's formats and rules; None if it stays as it is (see `redecode`)."""
    message = read_kept(kept)
    if message is None:
        return None
    assigned = _assigned(assignments.format_for(kept.vehicle, message.device_type), formats)
    try:
        return decode(message, assigned, formats.default, kept.connectivity)
    except CodecError:
        return None


def read_kept(kept: KeptStatus) -> Message | None:
    """The message of a kept status, read from its document.

    If the document is no status as JSON, the message has the payload and what the status itself has; None if there is
    no payload either.
    """
    try:
        message = read_message(unmasked(read_json(kept.document)))
    except BadRequest:
        return None if kept.payload is None else _of_payload(kept)
    return msgspec.structs.replace(message, payload=kept.payload)


def _of_payload(kept: KeptStatus) -> Message:
    said = {name: value for name, value in orjson.loads(kept.fields).items() if name in NEUTRAL}
    network = _object(kept.radio).get("location")
    fields = {name: value for name, value in said.items() if name != "location" or value != network}
    return Message(
        kind=DATA,
        vehicle=kept.vehicle,
        spelling=kept.vehicle,
        time=kept.time,
        seq=kept.seq,
        payload=kept.payload,
        fields=fields,
    )


def located(fields: dict[str, Any], radio: str | None) -> dict[str, Any]:
    """The fields with the network's location, if the vehicle itself gave none."""
    network = _object(radio).get("location")
    return fields if network is None or fields.get("location") not in (None, "") else {**fields, "location": network}


def _object(text: str | None) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(text) if text else {}
    return document


def _assigned(name: str | None, formats: Formats) -> Format | None:
    """The format as ingest finds it: if the name is unknown, None, so that the default format decodes."""
    if name is None:
        return None
    try:
        return formats.find(name)
    except ConfigError:
        return None


def _text(value: Any) -> bytes:
    """A value as its JSON text, to compare as readers see it: true is not 1, and 1 is not 1.0."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def summary(changes: Iterable[Redecoded]) -> dict[str, Any]:
    """A summary: the number of changed statuses, by vehicle and by field, and the first EXAMPLES values."""
    fields: Counter[str] = Counter()
    examples: list[dict[str, Any]] = []
    vehicles: dict[str, None] = {}
    changed = 0
    for change in changes:
        changed += 1
        vehicles[change.kept.vehicle] = None
        for name, (old, new) in change.differences.items():
            fields[name] += 1
            if len(examples) < EXAMPLES:
                about = {"vehicle": change.kept.vehicle, "time": change.kept.time}
                examples.append({**about, "field": name, "old": old, "new": new})
    return {"changed": changed, "vehicles": list(vehicles), "fields": dict(fields), "examples": examples}
