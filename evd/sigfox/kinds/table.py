"""The kinds of callback: what each must have, and what tells it apart (reference sigfox.md B1). A new kind is a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from evd.errors import BadRequest
from evd.sigfox.message import (
    NO_FIELDS,
    OUT_OF_BAND,
    PAYLOAD_NAMES,
    SEQ_ALIASES,
    SEQ_NAMES,
    TIME_NAMES,
    VEHICLE_NAMES,
    first_of,
)
from evd.sigfox.near_names import where_looked

UPLINK, BIDIR, ADVANCED = "uplink", "bidir", "advanced"
DATA_KINDS = frozenset({UPLINK, BIDIR})
"""Kinds that carry a vehicle's message, and are one kind to the store (evd.model.status.DATA)."""

KIND_NAMES = ("kind", "callbackType")
NUMBER_NAMES = ("type", "subtype")
"""By these a template may say outright what it is: in words, or in the numbers of Sigfox's REST API."""

_DEVICE = VEHICLE_NAMES[1], *VEHICLE_NAMES[2:], VEHICLE_NAMES[0]
_TIME = TIME_NAMES[::-1]
RADIO = ("lqi", "linkQuality", "computedLocation", "duplicates", "fixedLat", "fixedLng", "operatorName", "countryCode")
"""What DATA_ADVANCED alone has."""

REPEATED = ("repeatedMsg", "whitelistDevices", "unwantedDevices", "unwantedMsg", "wrongMsg", "overRegulmsg")
"""A repeater's counts."""


class Kind(NamedTuple):
    """One kind of callback."""

    number: tuple[int, int | None] | None
    """Type and subtype in Sigfox's REST API; None stands for any subtype, and for what the API cannot create."""
    required: tuple[tuple[str, ...], ...]
    """Of each of these groups one variable must have a value."""
    marks: tuple[tuple[str, ...], ...] = ()
    """All variables of one of these groups tell the kind."""
    with_payload: bool = False
    """Such a callback may carry a payload. Where none may, a payload says that the marks are the customer's fields."""
    by_name: bool = False
    """Its marks count with the value null too: Sigfox gives that where the contract lacks an option."""


#: In the order in which marks are looked for. A template may hold Sigfox's legacy radio variables (snr, station, lat,
#: ...) in any kind, so they are no marks, and a STATUS is looked for before what else has to do with radio.
KINDS: Mapping[str, Kind] = {
    "acknowledge": Kind((1, 4), (_DEVICE, _TIME, ("infoCode",)), (("infoCode",),)),
    "event": Kind(None, (_TIME, ("eventType",)), (("eventType",),)),
    "error": Kind((2, None), (_DEVICE, _TIME, ("info", "severity")), (("info", "severity"),)),
    "repeater": Kind((1, 5), (_DEVICE, _TIME, ("batt", *REPEATED)), tuple((name,) for name in REPEATED)),
    "status": Kind((1, 0), (_DEVICE, _TIME, ("batt", "temp")), (("batt",), ("temp",))),
    ADVANCED: Kind((1, 6), (_DEVICE, _TIME), tuple((name,) for name in RADIO), with_payload=True, by_name=True),
    "geoloc": Kind((1, 1), (_DEVICE, _TIME, ("lat",), ("lng",)), (("radius",), ("geolocSource",))),
    BIDIR: Kind((0, 3), (_DEVICE, _TIME), (("ack",), ("longPolling",)), with_payload=True, by_name=True),
    UPLINK: Kind((0, 2), (_DEVICE, _TIME), with_payload=True),
}

VARIABLES = frozenset(
    {*NO_FIELDS, *KIND_NAMES, *NUMBER_NAMES}
    | {name for kind in KINDS.values() for names in (*kind.required, *kind.marks) for name in names}
    | {"infoMessage", "downlinkAck", "downlinkOverusage", "sourceId", "sourceType", "groupId", "deviceInfo"}
    | {"deviceLastSeqnumber", "deviceExpectedSeqnumber", "deviceMessageSeqnumber", "deviceMessageTime"}
)
"""Sigfox's variables of all kinds, and the names by which a kind is said."""

VARIABLES_MAX = 256
"""In a form or a query. Sigfox's own are thirty, and a payload of 96 bits has at most 96 fields."""

_UNTOLD = (
    "nothing in the callback tells its kind: it lacks data (a message), batt or temp (status), lqi or computedLocation "
    "(advanced), infoCode (acknowledge), info and severity (error), eventType (event); add one, or use its kind's route"
)


def kind_of(document: Mapping[str, Any]) -> str:
    """The kind of a callback on the route for all kinds. Raises BadRequest where nothing tells it.

    What it says of itself counts first, then its marks. What has a vehicle's values and no mark is an uplink: a message
    by Sigfox's variables, or a status document of the original system.
    """
    said = said_kind(document)
    if said is not None:
        return said
    payload = first_of(document, PAYLOAD_NAMES, empty_counts=True) not in (None, OUT_OF_BAND)
    marked = _by_marks(document, payload, by_name=False)
    if marked is None and not payload and not any(name in document for name in PAYLOAD_NAMES):
        marked = _by_marks(document, payload, by_name=True)  # a STATUS whose values are all null is no message either
    if marked is not None:
        return marked
    if payload or not _ENVELOPE.issuperset(document):
        return UPLINK
    raise BadRequest(_UNTOLD, error="Missing basic attributes")


#: Names that say nothing of what a callback carries; the original system's own names do.
_ENVELOPE = frozenset(
    {*VEHICLE_NAMES[1:], "time", *SEQ_NAMES, *SEQ_ALIASES, "deviceTypeId", "id", "key", *KIND_NAMES, *NUMBER_NAMES}
    | {"version"}
)


def require(kind: str, document: Mapping[str, Any]) -> None:
    """Raises BadRequest, naming what is missing, unless the document has what its kind must have."""
    lacking = [names for names in KINDS[kind].required if first_of(document, names) is None]
    if lacking:
        names = ", ".join(" or ".join(group) for group in lacking)
        found = where_looked(document, lacking)
        raise BadRequest(f"the callback ({kind}) lacks {names}{found}", error="Missing basic attributes")


def _by_marks(document: Mapping[str, Any], payload: bool, *, by_name: bool) -> str | None:
    for name, kind in KINDS.items():
        if payload and not kind.with_payload:
            continue
        if any(_marked(document, mark, by_name or kind.by_name) for mark in kind.marks):
            return name
    return None


def _marked(document: Mapping[str, Any], mark: tuple[str, ...], by_name: bool) -> bool:
    return all(name in document if by_name else first_of(document, (name,)) is not None for name in mark)


def said_kind(document: Mapping[str, Any]) -> str | None:
    """The kind that a callback calls itself, by name or by numbers; words that are no kind's are the customer's own."""
    for name in KIND_NAMES:
        if (kind := _kind_of_words(document, document.get(name))) is not None:
            return kind
    group, part = (document.get(name) for name in NUMBER_NAMES)
    if all(name in document for name in NUMBER_NAMES):
        numbers = str(group), str(part)
        kind = _BY_NUMBER.get(numbers) or _BY_NUMBER.get((numbers[0], _ANY_PART))
        kind = kind or _kind_of_words(document, "_".join(numbers))
        if kind is not None:
            return kind
    # A template calls many things its type: beside a payload it says the kind only of what may carry one.
    kind = _kind_of_words(document, group)
    payload = any(document.get(name) is not None for name in PAYLOAD_NAMES)
    return None if kind is None or (payload and not KINDS[kind].with_payload) else kind


def _kind_of_words(document: Mapping[str, Any], words: Any) -> str | None:
    """`advanced`, `DATA_ADVANCED`, `SERVICE/DATA_ADVANCED`, `srv_advanced`, `DATA/UPLINK`, ..."""
    if not isinstance(words, str):
        return None
    word = words.strip().lower().replace("/", "_").replace("-", "_")
    for prefix in ("service_", "srv_", "data_"):
        word = word.removeprefix(prefix)
    if word == "data":  # of either sub-type
        return BIDIR if any(_marked(document, mark, by_name=True) for mark in KINDS[BIDIR].marks) else UPLINK
    return word if word in KINDS else None


_ANY_PART = str(None)
_BY_NUMBER = {
    (str(kind.number[0]), str(kind.number[1])): name for name, kind in KINDS.items() if kind.number is not None
}
