"""What becomes of kept statuses when they are decoded anew: which ones change, and in which fields."""

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
"""Stands among the changed fields for the flags; no field has parentheses in its name."""

EXAMPLES = 10
"""Changed values shown of many."""


class Assignments(Protocol):
    """Who has which format; evd.ingest.cache is one."""

    def format_for(self, vehicle: str, device_type: str | None) -> str | None: ...


class Redecoded(NamedTuple):
    """A status that comes out differently.

    `fields` is what the status itself says, as JSON; a location by the network is not in it. `differences` maps a
    field to its old and new value as readers see it, None for no value.
    """

    kept: KeptStatus
    fields: bytes
    flags: str
    differences: dict[str, tuple[Any, Any]]


def redecode(kept: KeptStatus, assignments: Assignments, formats: Formats) -> Redecoded | None:
    """What it means by the formats and rules of today; None where that changes nothing that anyone sees.

    What neither has a payload nor a document that can be read stays, and so does one whose payload is longer than any
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
    """Its values by the formats and rules of today; None: it stays as it is (see `redecode`)."""
    message = read_kept(kept)
    if message is None:
        return None
    assigned = _assigned(assignments.format_for(kept.vehicle, message.device_type), formats)
    try:
        return decode(message, assigned, formats.default, kept.connectivity)
    except CodecError:
        return None


def read_kept(kept: KeptStatus) -> Message | None:
    """The message of a status, by the document that is kept of it.

    Where that is no status as JSON, the payload speaks alone, beside what no payload can say; None: there is none.
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
    """The fields with the location that the network found out, where the vehicle gave none itself."""
    network = _object(radio).get("location")
    return fields if network is None or fields.get("location") not in (None, "") else {**fields, "location": network}


def _object(text: str | None) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(text) if text else {}
    return document


def _assigned(name: str | None, formats: Formats) -> Format | None:
    """As the ingest has it: where a name means nothing any more, the default format decodes."""
    if name is None:
        return None
    try:
        return formats.find(name)
    except ConfigError:
        return None


def _text(value: Any) -> bytes:
    """To compare values by what a reader gets: true is not 1, and 1 is not 1.0."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def summary(changes: Iterable[Redecoded]) -> dict[str, Any]:
    """Counts for people: the changed statuses, of which vehicles, by field, and the first EXAMPLES values."""
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
