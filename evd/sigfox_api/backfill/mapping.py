"""Convert messages of Sigfox's REST API to the documents that their callbacks would have had.

The API has times in milliseconds, callbacks in seconds (support.sigfox.com/docs/uplink), so times are floored here: a
message gets the same id from either, and one that evd has already is a duplicate.
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
"""Items of one delivery: one second's work for a disk that commits 1,000 rows/s."""

OUTAGE_MS = 7 * 60_000
"""Sigfox retries after 1, 2 and 4 minutes (support.sigfox.com/docs/callback-integration); a longer outage loses
callbacks."""

RETRIED_MS = 10 * 60_000
"""A callback that failed during an outage may belong to a message that is this much older than the outage: three
retries and their time limits of 10 s each."""

DUPLICATES_MAX = 64
"""Base stations kept for one message; in dense areas 10 to 20 receive it (disk91.com, 2019)."""

CALLBACK = ""
"""Kind of a document whose kind must be recognized, as on the route /sigfox/callback."""

#: Last part of a route below /sigfox/ → kind of its callbacks; BIDIR becomes UPLINK, as it is too late for a downlink.
ROUTES = {kind: kind for kind in KINDS} | {BIDIR: UPLINK, "callback": CALLBACK}
TAKEN = frozenset(ROUTES.values())

#: `ack` and `longPolling` ask for a downlink, for which no device waits any more. `key` is a secret.
_NEVER_KEPT = frozenset({"key", "ack", "longPolling"})

#: Sigfox API v2, deviceMessage.lqi → the word in a DATA_ADVANCED callback; 4 is "not available".
_LINK_QUALITY = {0: "LIMIT", 1: "AVERAGE", 2: "GOOD", 3: "EXCELLENT"}

AGAIN = "again"
"""The verdict on a document that evd was too busy to take."""

#: Verdict of ingest → the count that it increments; all other verdicts are of new documents.
_COUNTED = {"duplicate": "known", "too old": "too_old", "no room": "too_old", "rejected": "refused"}


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A document for ingest; `kind` is one of TAKEN."""

    kind: str
    document: dict[str, Any]
    extra: bool = False
    """Whether it adds to a message that has an item of its own, so that it is not counted."""


class BackfillCounts(msgspec.Struct):
    """Counts of messages and callbacks: all that were read, and the outcomes of those that evd was given."""

    read: int = 0
    new: int = 0
    known: int = 0
    too_old: int = 0
    """Older than every status in a full ring, so not kept."""
    refused: int = 0
    """Kept in `rejected`, with the reason."""

    def add(self, items: Sequence[Item], verdicts: Sequence[str]) -> None:
        for item, verdict in zip(items, verdicts, strict=True):
            if not item.extra:
                name = _COUNTED.get(verdict, "new")
                setattr(self, name, getattr(self, name) + 1)


def outage(last_alive_ms: int | None, now_ms: int) -> int | None:
    """The length of an outage (ms) if Sigfox does not retry for that long; None if nothing can be missing."""
    if last_alive_ms is None or now_ms - last_alive_ms <= OUTAGE_MS:
        return None
    return now_ms - last_alive_ms


def of_message(message: Mapping[str, Any], device: str, device_type: str | None = None) -> list[Item]:
    """An entry of /devices/{id}/messages as its DATA callback, and as a DATA_ADVANCED if it has radio metadata.

    Empty if the entry has no time, without which it has no id.
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
    """Link quality, location and base stations under DATA_ADVANCED's names."""
    found: dict[str, Any] = {}
    quality = message.get("lqi")
    if type(quality) is int and quality in _LINK_QUALITY:
        found |= {"lqi": _LINK_QUALITY[quality], "linkQuality": quality}
    operator = message.get("operator")
    # The API has both (github.com/sinbrive/Sigfox-http-api).
    name = operator.get("name") if isinstance(operator, Mapping) else operator
    if isinstance(name, str) and name:
        found["operatorName"] = name
    places = message.get("computedLocation")
    place = next((one for one in _mappings(places) if "lat" in one and "lng" in one), None)
    if place is not None:
        # The API lists found locations only; a callback marks them with status 1.
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
    """An entry of …/callbacks-not-delivered: the callback as Sigfox rendered it, if it was sent to a route of evd.

    For a callback to another URL, or in a shape that only its route can read, the message is taken from the entry
    itself if its id can be computed; else the list is empty, and the device's messages contain it.
    """
    callback = entry.get("callback")
    if isinstance(callback, Mapping):
        kind, document = _kind_of(callback), _rendered(callback)
        if kind is not None and document:
            return [Item(kind, document)]
    return _plain(entry)


def _kind_of(callback: Mapping[str, Any]) -> str | None:
    """The kind by the route of the callback's URL; None if the URL has no route of evd."""
    head, _, route = _url(callback)[0].rstrip("/").rpartition("/")
    return ROUTES.get(route) if head.endswith("/sigfox") else None


def _url(callback: Mapping[str, Any]) -> tuple[str, str]:
    """Path and query of the callback's URL."""
    try:
        parts = urlsplit(str(callback.get("url") or ""))
    except ValueError:
        return "", ""
    return parts.path, parts.query


def _rendered(callback: Mapping[str, Any]) -> dict[str, Any]:
    """The values in a JSON or form body and in the URL's query; empty if the body is neither."""
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
    """Epoch s of a time in s or ms: the API has both, even for one member (Sigfox API v2, errorMessages.time)."""
    if type(time) not in (int, float) or not 0 < time <= TIME_MAX_MS:
        return None
    return int(time // 1000 if time > MILLISECONDS_FROM else time)


def deliveries(items: Iterable[Item], *, bytes_max: int) -> Iterator[list[Item]]:
    """The items in order, in lists of at most ITEMS_MAX whose JSON has at most `bytes_max` bytes.

    An item that is too long by itself, or nested too deeply for JSON, is left out: evd would have refused its callback.
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
    """Bytes of its JSON; 0 if it is nested too deeply for JSON."""
    try:
        return len(orjson.dumps(msgspec.to_builtins(item)))
    except (orjson.JSONEncodeError, RecursionError):
        return 0


def waves(items: Sequence[Item]) -> tuple[list[int], list[int]]:
    """Indices of the items to take first, and of the rest: the first data item of each vehicle is taken first.

    The API lists the newest first. After that one the others are late, so that each vehicle's phones get at most one
    push, and not the whole history.
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
