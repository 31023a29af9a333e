"""Messages of Sigfox's REST API → the documents that their callbacks would have had.

The API has milliseconds and a callback has seconds, so times are floored here: a message has the same identity by both
ways, and what evd already has is a duplicate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import orjson

from evd.model.status import MILLISECONDS_FROM, TIME_MAX_MS
from evd.sigfox.kinds.registry import BIDIR, KINDS, UPLINK
from evd.sigfox.message import VEHICLE_NAMES

ITEMS_MAX = 1_000
"""Items in one delivery: a second's work for a disk that commits 1,000 rows/s."""

OUTAGE_MS = 7 * 60_000
"""Sigfox retries after 1, 2 and 4 minutes (Sigfox support, "Callbacks"): after a longer outage callbacks are lost."""

RETRIED_MS = 10 * 60_000
"""A callback that failed during an outage may belong to a message this much older than the outage: three retries, with
their time limits of 10 s each."""

DUPLICATES_MAX = 64
"""Base stations of one message that are kept; in dense areas 10 to 20 receive it."""

CALLBACK = ""
"""The kind of a document that must tell itself what it is, as on the route /sigfox/callback."""

#: The last part of a route below /sigfox/ → the kind of what is sent there; nobody can be given a downlink any more.
ROUTES = {kind: kind for kind in KINDS} | {BIDIR: UPLINK, "callback": CALLBACK}
TAKEN = frozenset(ROUTES.values())

#: These ask for a downlink, which no device waits for any more; `key` is a secret, as are those the ingest masks.
_NEVER_KEPT = frozenset({"key", "ack", "longPolling"})

#: API2, deviceMessage.lqi → the word that a DATA_ADVANCED callback has for it; 4 is "not available".
_LINK_QUALITY = {0: "LIMIT", 1: "AVERAGE", 2: "GOOD", 3: "EXCELLENT"}

AGAIN = "again"
"""The verdict on a document that evd was too busy to take."""

#: Verdict of the ingest → the count it goes into; every other one is of something new.
_COUNTED = {"duplicate": "known", "too old": "too_old", "no room": "too_old", "rejected": "refused"}


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A document for the ingest; `kind` is one of TAKEN."""

    kind: str
    document: dict[str, Any]
    extra: bool = False
    """It says more of a message that has an item of its own, so it is not counted."""


class BackfillCounts(msgspec.Struct):
    """Of messages and callbacks: all that were read, and what became of those that have something for evd."""

    read: int = 0
    new: int = 0
    known: int = 0
    too_old: int = 0
    """Older than everything in a full ring: not kept."""
    refused: int = 0
    """Kept in `rejected`, with the reason."""

    def add(self, items: Sequence[Item], verdicts: Sequence[str]) -> None:
        for item, verdict in zip(items, verdicts, strict=True):
            if not item.extra:
                name = _COUNTED.get(verdict, "new")
                setattr(self, name, getattr(self, name) + 1)


def outage(last_alive_ms: int | None, now_ms: int) -> int | None:
    """How long (ms) nobody took callbacks, where that is longer than Sigfox tries; None: nothing can be missing."""
    if last_alive_ms is None or now_ms - last_alive_ms <= OUTAGE_MS:
        return None
    return now_ms - last_alive_ms


def of_message(message: Mapping[str, Any], device: str, device_type: str | None = None) -> list[Item]:
    """An entry of /devices/{id}/messages as its DATA callback, and as its DATA_ADVANCED one where it says so much.

    Empty where the entry has no time, without which it is no message.
    """
    time = _seconds(message.get("time"))
    if time is None:
        return []
    given = message.get("device")
    name = given.get("id") if isinstance(given, Mapping) else given
    common = {
        "device": str(name or device),
        "time": time,
        "data": message.get("data"),
        "seqNumber": message.get("seqNumber"),
        "deviceTypeId": device_type,
    }
    plain = {name: value for name, value in common.items() if value is not None}
    more = _network_metadata(message)
    return [Item(UPLINK, plain), *([Item("advanced", plain | more, extra=True)] if more else [])]


def _network_metadata(message: Mapping[str, Any]) -> dict[str, Any]:
    """Link quality, location and base stations under the names that DATA_ADVANCED has for them."""
    found: dict[str, Any] = {}
    quality = message.get("lqi")
    if type(quality) is int and quality in _LINK_QUALITY:
        found |= {"lqi": _LINK_QUALITY[quality], "linkQuality": quality}
    operator = message.get("operator")
    name = operator.get("name") if isinstance(operator, Mapping) else operator  # the API gives both (field case A02)
    if isinstance(name, str) and name:
        found["operatorName"] = name
    places = message.get("computedLocation")
    place = next((one for one in _mappings(places) if "lat" in one and "lng" in one), None)
    if place is not None:
        # The API lists what was found only; the callback says with status 1 that it was.
        found["computedLocation"] = {"status": 1, **place}
    heard = [_station(one) for one in _mappings(message.get("rinfos"))][:DUPLICATES_MAX]
    return found | ({"duplicates": heard} if heard else {})


def _station(info: Mapping[str, Any]) -> dict[str, Any]:
    station = info.get("baseStation")
    found = {
        "bsId": station.get("id") if isinstance(station, Mapping) else None,
        "rssi": info.get("rssi"),
        "snr": info.get("snr"),
        "nbRep": info.get("rep"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _mappings(values: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in (values if isinstance(values, list) else [values]) if isinstance(one, Mapping))


def of_undelivered(entry: Mapping[str, Any]) -> list[Item]:
    """An entry of …/callbacks-not-delivered: the callback as Sigfox had written it where that was one of evd's routes.

    Of a callback to somewhere else, or in a shape that only its route can read, the message is taken from the entry
    itself if all that identifies it is there; else the list is empty, and the device's messages have it.
    """
    callback = entry.get("callback")
    if isinstance(callback, Mapping):
        kind, document = _kind_of(callback), _rendered(callback)
        if kind is not None and document:
            return [Item(kind, document)]
    return _plain(entry)


def _kind_of(callback: Mapping[str, Any]) -> str | None:
    """By the route it was for; None where that is none of evd's."""
    head, _, route = _url(callback)[0].rstrip("/").rpartition("/")
    return ROUTES.get(route) if head.endswith("/sigfox") else None


def _url(callback: Mapping[str, Any]) -> tuple[str, str]:
    """Path and query."""
    try:
        parts = urlsplit(str(callback.get("url") or ""))
    except ValueError:
        return "", ""
    return parts.path, parts.query


def _rendered(callback: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a JSON or form body, and of the URL's query; empty where the body is neither."""
    query = dict(parse_qsl(_url(callback)[1], keep_blank_values=True))
    body = callback.get("body")
    if isinstance(body, str) and body.strip():
        body = _read_body(body, str(callback.get("contentType") or ""))
    if body is not None and not isinstance(body, Mapping) and body != "":
        return {}
    found = {**query, **(body or {})}
    return {name: value for name, value in found.items() if name not in _NEVER_KEPT}


def _read_body(text: str, content_type: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        form = "form" in content_type or (not content_type and "=" in text)
        return dict(parse_qsl(text, keep_blank_values=True)) if form else None


def _plain(entry: Mapping[str, Any]) -> list[Item]:
    given = entry.get("parameters")
    known = {**(given if isinstance(given, Mapping) else {}), **{k: v for k, v in entry.items() if v is not None}}
    device = known.get("deviceId") or known.get("device")
    found = {
        "device": device if isinstance(device, str) else None,
        "time": _seconds(known.get("time")),
        "data": known.get("data"),
        "seqNumber": known.get("seqNumber"),
    }
    if any(value is None for value in found.values()):
        return []
    kind = known.get("deviceTypeId")
    return [Item(UPLINK, found | ({"deviceTypeId": kind} if isinstance(kind, str) else {}))]


def _seconds(time: Any) -> int | None:
    """Epoch s of a time in s or in ms: the API has both."""
    if type(time) not in (int, float) or not 0 < time <= TIME_MAX_MS:
        return None
    return int(time // 1000 if time > MILLISECONDS_FROM else time)


def deliveries(items: Iterable[Item], *, bytes_max: int) -> Iterator[list[Item]]:
    """The items in order, in lists of at most ITEMS_MAX whose JSON has at most `bytes_max`.

    An item that is longer by itself, or too deep for JSON, is left out: it never was a callback that evd would have
    taken.
    """
    together: list[Item] = []
    size = 2
    for item in items:
        length = _length(item) + 1
        if not 1 < length <= bytes_max - 2:
            continue
        if together and (len(together) == ITEMS_MAX or size + length > bytes_max):
            yield together
            together, size = [], 2
        together.append(item)
        size += length
    if together:
        yield together


def _length(item: Item) -> int:
    """Of its JSON in bytes; 0 where it is nested so deep that it has none."""
    try:
        return len(orjson.dumps(msgspec.to_builtins(item)))
    except (orjson.JSONEncodeError, RecursionError):
        return 0


def waves(items: Sequence[Item]) -> tuple[list[int], list[int]]:
    """Indices of what must be taken first, and of the rest, in any order: the first data of each vehicle goes ahead.

    The API gives the newest first. Behind it the others are late, so that each vehicle's phones hear of one new status
    at most, and not of a whole history.
    """
    first: list[int] = []
    rest: list[int] = []
    seen: set[str] = set()
    for index, item in enumerate(items):
        vehicle = str(next((item.document[name] for name in VEHICLE_NAMES if name in item.document), ""))
        ahead = item.kind in (UPLINK, CALLBACK) and vehicle not in seen
        (first if ahead else rest).append(index)
        if ahead:
            seen.add(vehicle)
    return first, rest
