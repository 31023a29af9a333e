"""The message in a callback's body, written as the original system's status JSON or in Sigfox's plain variables.

Values may be quoted or bare, as the customer wrote the template. An empty text and the text "null" are no value: Sigfox
replaces a variable without a value by `null`, also inside quotes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import orjson

from evd.errors import BadRequest
from evd.model.measures import IMPLAUSIBLE, MEASURES, AppType, Measure, field_name
from evd.model.status import DATA, SEQ_MAX, time_ms, vehicle_id
from evd.sigfox.json_faults import fault
from evd.sigfox.near_names import where_looked
from evd.sigfox.template_values import cleaned, is_plain, is_unreplaced, location_of, unwrapped

_hex_pairs = re.compile(r"(?:[0-9A-Fa-f]{2})*")
PAYLOAD_MAX_BYTES = 12  # Sigfox: an uplink carries 0 to 12 bytes

NESTING_MAX = 32
"""Levels of lists and objects in a body: Sigfox's deepest callback has four, and JSON writers stop at about 250."""

NUMBER_MAX_CHARACTERS = 32

NUMBER_LIMIT = 2**63
"""No measure comes near it; beyond it neither SQLite nor JSON keeps an integer exact."""

#: Variable of the envelope → its names, the original system's first.
VEHICLE_NAMES = ("vehicleId", "device", "deviceId")
TIME_NAMES = ("timestamp", "time")
PAYLOAD_NAMES = ("rawdata", "data")
SEQ_NAMES = ("seqNumber",)
SEQ_ALIASES = ("seq", "messageId")
"""Other names of seqNumber in published templates. A value there that cannot be a count is the sender's own field."""

KIND_NAMES = ("kind", "callbackType")
NUMBER_NAMES = ("type", "subtype")
"""Names under which a template may state its kind: in words, or by the numbers of Sigfox's REST API."""

ENVELOPE_NAMES = frozenset(
    {*VEHICLE_NAMES, *TIME_NAMES, *SEQ_NAMES, *SEQ_ALIASES, *KIND_NAMES, *NUMBER_NAMES, "version", "key"}
)
"""Names that are not part of what a callback reports: those of the envelope and of the kind, and evd's own."""

DYNAMODB = "dynamodb"
"""Evd's own name: of a status that came from DynamoDB, what its document as plain values does not show."""

OUT_OF_BAND = "OOB"
"""Takes the payload's place in the templates of some STATUS callbacks."""

#: Sigfox's variables, legacy ones included, and names that evd reserves: never fields of a status.
NO_FIELDS = (
    {*VEHICLE_NAMES, *TIME_NAMES, *PAYLOAD_NAMES, *SEQ_NAMES, *SEQ_ALIASES}
    | {"type", "subtype", "version", "callbackType"}  # a template states its kind in these
    | {"id", "key", "encoded", "connectivity", "connectivityMethod", "deviceTypeId", "ack", "longPolling"}
    | {
        "snr",
        "rssi",
        "avgSnr",
        "signal",
        "avgSignal",
        "station",
        "lat",
        "lng",
        "duplicate",
        "duplicates",
        "operatorName",
        "countryCode",
    }
    | {"lqi", "linkQuality", "fixedLat", "fixedLng", "computedLocation"}
    | {IMPLAUSIBLE, DYNAMODB}
)


class Message(msgspec.Struct, frozen=True):
    """A message in normal form. `time` is in epoch ms; `fields` are the sender's own values under the app's names."""

    kind: str
    vehicle: str
    spelling: str
    time: int
    seq: int | None
    payload: bytes | None
    fields: dict[str, Any]
    encoded: bool | None = None
    """Whether whole numbers in half-float fields are the bits of half floats; None if the sender does not say."""
    device_type: str | None = None
    """Sigfox's deviceTypeId in lower case."""
    asks: bool = False
    """Whether the device listens for a downlink (BIDIR's `ack`)."""
    unreplaced: tuple[str, ...] = ()
    """Names of values that contain a variable which Sigfox did not replace."""
    unread: tuple[str, ...] = ()
    """Names of ambiguous values, which are in no field."""


class Envelope(NamedTuple):
    """What every callback of a device has: the device, the time in epoch ms, the sequence number if there is one."""

    vehicle: str
    spelling: str
    time: int
    seq: int | None


def read_json(body: bytes) -> dict[str, Any]:
    """Read the body as a JSON object. Raises BadRequest."""
    document = read_any_json(body)
    if type(document) is not dict:
        raise BadRequest("the body must be a JSON object", error="Body parsing error")
    return document


def read_any_json(body: bytes) -> Any:
    """Read JSON of any type. Raises BadRequest if the body is not JSON or is nested too deeply."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(fault(error), error="Body parsing error") from None
    refuse_deep(value, body)
    return value


def refuse_deep(value: Any, text: bytes) -> None:
    """Raise BadRequest for a value, read from `text`, that has more levels than NESTING_MAX."""
    # The cheap count first: a text with few brackets cannot be deep.
    if text.count(b"[") + text.count(b"{") > NESTING_MAX and _deeper_than(NESTING_MAX, value):
        raise BadRequest(f"the body is nested deeper than {NESTING_MAX} levels", error="Body parsing error")


def _deeper_than(levels: int, value: Any) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return levels == 0 or any(_deeper_than(levels - 1, one) for one in value)


def read_message(document: Mapping[str, Any]) -> Message:
    """Read the message in a status document or in Sigfox's plain variables. Raises BadRequest."""
    head = read_envelope(document)
    said = _fields(document)
    return Message(
        kind=DATA,
        vehicle=head.vehicle,
        spelling=head.spelling,
        time=head.time,
        seq=head.seq,
        payload=read_payload(document),
        fields=said.fields,
        encoded=_encoded(document),
        device_type=_device_type(document),
        asks=first_of(document, ("ack",)) in (True, "true", 1, "1"),
        unreplaced=tuple(said.unreplaced),
        unread=tuple(said.unread),
    )


def read_envelope(document: Mapping[str, Any]) -> Envelope:
    """Read the envelope. Raises BadRequest if the device or the time is missing or unreadable."""
    spelling = _text(first_of(document, VEHICLE_NAMES))
    if spelling is None:
        raise missing(document, VEHICLE_NAMES[:2])
    return Envelope(vehicle_id(spelling), spelling, read_time(document), read_sequence(document))


def read_time(document: Mapping[str, Any]) -> int:
    """The time of a callback in epoch ms. Raises BadRequest."""
    moment = first_of(document, TIME_NAMES)
    if moment is None:
        raise missing(document, TIME_NAMES)
    return time_ms(read_number("time", moment))


def read_sequence(document: Mapping[str, Any]) -> int | None:
    """The sequence number under any of its names; None if there is none. Raises BadRequest."""
    seq = first_of(document, SEQ_NAMES)
    if seq is not None:
        return _sequence(seq)
    return next((int(document[name]) for name in SEQ_ALIASES if name in document and _is_count(document[name])), None)


def read_payload(document: Mapping[str, Any]) -> bytes | None:
    """The payload; None if there is none. A payload of 0 bytes is a payload. Raises BadRequest."""
    payload = first_of(document, PAYLOAD_NAMES, empty_counts=True)
    return None if payload is None else _payload(payload)


def missing(document: Mapping[str, Any], names: Sequence[str]) -> BadRequest:
    """The error for a body that has none of these variables."""
    found = where_looked(document, [names])
    return BadRequest(f"the body lacks {' or '.join(names)}{found}", error="Missing basic attributes")


def first_of(document: Mapping[str, Any], names: Sequence[str], *, empty_counts: bool = False) -> Any:
    """The first of these names that has a value; null, "null", "" and an unreplaced variable are no values.

    With `empty_counts`, "" and an unreplaced variable are returned too, so that the caller can refuse them.
    """
    for name in names:
        value = document.get(name)
        if value is None or (type(value) is str and _is_none(value, empty_counts)):
            continue
        return value
    return None


def _is_none(text: str, empty_counts: bool) -> bool:
    return text == "null" or (not empty_counts and (text == "" or is_unreplaced(text)))


def _encoded(document: Mapping[str, Any]) -> bool | None:
    value = first_of(document, ("encoded",))
    if value in (False, "false"):
        return False
    return True if value in (True, "true") else None


def _device_type(document: Mapping[str, Any]) -> str | None:
    value = document.get("deviceTypeId")
    if type(value) is not str or value == "null" or not 1 <= len(value) <= 64 or not value.isprintable():
        return None
    return value.lower()


def _text(value: Any) -> str | None:
    """A vehicle's id: a text, or a number that the template did not quote."""
    if value is None or isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    raise BadRequest("the vehicle's id must be a text", error="Missing basic attributes")


def read_number(name: str, value: Any) -> int | float:
    """Read a number, bare or quoted; `name` stands in the error's sentence. Raises BadRequest."""
    number = number_in(value)
    if number is None or not math.isfinite(number):
        raise BadRequest(f"{name} is {_shown(value)}: a number is needed")
    if abs(number) >= NUMBER_LIMIT:
        raise BadRequest(f"{name} is {_shown(value)}: a number below 2^63 is needed")
    return number


def number_in(value: Any) -> int | float | None:
    """The number that a value is, or that a template put in quotes; it may be infinite or NaN."""
    if type(value) is int or type(value) is float:
        return value
    if type(value) is not str or len(value) > NUMBER_MAX_CHARACTERS:
        return None
    for read in (int, float):
        try:
            return read(value)
        except ValueError:
            continue
    return None


def _sequence(value: Any) -> int:
    number = read_number("seqNumber", value)
    if number != int(number) or not 0 <= number <= SEQ_MAX:
        raise BadRequest(f"seqNumber is {_shown(value)}: a whole number from 0 is needed")
    return int(number)


def _is_count(value: Any) -> bool:
    """Whether an alias of seqNumber holds a count; some templates write an id there."""
    number = number_in(value) if type(value) is not float else None
    return type(number) is int and 0 <= number <= SEQ_MAX


def _payload(value: Any) -> bytes:
    if value == OUT_OF_BAND:
        raise BadRequest("the payload is OOB: an out-of-band frame is no message, so send it to /sigfox/status")
    if type(value) is not str:
        raise BadRequest(f"the payload is {_shown(value)}: hex digits in quotes are needed")
    if len(value) > 2 * PAYLOAD_MAX_BYTES:
        raise BadRequest(f"the payload has {len(value)} hex digits: at most {2 * PAYLOAD_MAX_BYTES} are allowed")
    if not _hex_pairs.fullmatch(value):  # bytes.fromhex would skip blanks
        raise BadRequest(f"the payload {_shown(value)} is no hex text: an even number of digits 0-9, a-f is needed")
    return bytes.fromhex(value)


class _Said(NamedTuple):
    """The sender's own values, and the names of those that were left out."""

    fields: dict[str, Any]
    unreplaced: list[str]
    unread: list[str]


def _fields(document: Mapping[str, Any]) -> _Said:
    """The sender's own values, neither envelope nor Sigfox's, as the numbers and texts that the app expects."""
    said = _Said({}, [], [])
    for name, value in document.items():
        if type(value) is not int and type(value) is not float and not is_plain(value):
            value, replaced = cleaned(value)
            if not replaced:
                said.unreplaced.append(name)
        if value is None or (name in NO_FIELDS and (name not in SEQ_ALIASES or _is_count(value))):
            continue
        known = field_name(name)
        measure = MEASURES.get(known)
        if measure is None:
            said.fields[known] = value
            continue
        if type(value) is dict:
            value = unwrapped(value)
        if value is None or value == "":
            continue
        if measure.app is AppType.LOCATION and type(value) is not str:
            _add_location(said, name, value)
        else:
            said.fields[known] = _value(name, measure, value)
    return said


def _add_location(said: _Said, name: str, value: Any) -> None:
    location = location_of(value)
    if location is None:
        raise BadRequest(f'{name} is {_shown(value)}: a text "LAT,LNG", an object with both, or GeoJSON is needed')
    if location.text is not None:
        said.fields[name] = location.text
    elif location.unclear:
        said.unread.append(name)


def _value(given_name: str, measure: Measure, value: Any) -> Any:
    if measure.app is AppType.LOCATION:
        return value
    if measure.app is AppType.FLAG:
        if value in (True, "true", 1, "1"):
            return True
        if value in (False, "false", 0, "0"):
            return False
        raise BadRequest(f"{given_name} is {_shown(value)}: true or false is needed")
    return read_number(given_name, value)


def _shown(value: Any) -> str:
    """A value as short JSON for an error's sentence."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= 40 else text[:37] + "..."
