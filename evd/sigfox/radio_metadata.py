"""What the network says of a message's radio (DATA_ADVANCED, GEOLOC), as the JSON that is kept beside the message.

Only known variables are kept, each within bounds; one that cannot be read is left out, for the rest is worth having.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from evd.errors import BadRequest
from evd.sigfox.message import first_of, read_number

LQI = ("LIMIT", "AVERAGE", "GOOD", "EXCELLENT", "NA")
"""Link quality by its number 0..4 (support.sigfox.com/docs/data-advanced)."""

STATIONS_MAX = 64
"""Base stations that are kept of one message; 10 to 20 hear it in a dense area (disk91.com, 2019)."""

PLACES_MAX = 16
TEXT_MAX = 64
NO_POSITION = 0
"""Sigfox's computedLocation.status where it found none; then its lat and lng mean nothing."""

_NUMBERS = ("countryCode", "fixedLat", "fixedLng", "rssi", "snr", "avgSnr", "signal", "avgSignal")
_TEXTS = ("operatorName", "station")


def of_advanced(document: Mapping[str, Any]) -> dict[str, Any]:
    """Of DATA_ADVANCED: lqi and linkQuality say the same, whichever was sent."""
    said = _quality(document) | _numbers(document, _NUMBERS) | _texts(document, _TEXTS)
    stations = document.get("duplicates")
    if isinstance(stations, list):
        heard = [_station(one) for one in stations[:STATIONS_MAX] if isinstance(one, Mapping)]
        said["duplicates"] = [one for one in heard if one]
    computed = _computed(document.get("computedLocation"))
    if computed:
        said["computedLocation"] = computed
    return said


def others(document: Mapping[str, Any], said: Mapping[str, Any], envelope: Container[str]) -> dict[str, Any]:
    """What else a callback said, under `values`: where nothing else is kept of it, nothing of it may be lost."""
    left = {
        name: value for name, value in document.items() if name not in envelope and not _holds(said.get(name), value)
    }
    return {"values": left} if left else {}


def _holds(kept: Any, given: Any) -> bool:
    """Whether what is kept has a value for each that was given; of a list, for as many as are kept."""
    if given is None or given in ("", "null"):
        return True
    if isinstance(given, list) and isinstance(kept, Mapping) and len(given) == 1:  # as Sigfox's REST API has it
        given = given[0]
    if isinstance(given, Mapping):
        return isinstance(kept, Mapping) and all(_holds(kept.get(name), one) for name, one in given.items())
    if isinstance(given, list):
        return isinstance(kept, list) and all(map(_holds, kept, given))
    return kept is not None and not isinstance(kept, Mapping | list)


def of_geoloc(document: Mapping[str, Any]) -> dict[str, Any]:
    """Of GEOLOC, degrees and metres. Raises BadRequest unless it has a position."""
    latitude = _degrees("lat", first_of(document, ("lat",)), 90)
    longitude = _degrees("lng", first_of(document, ("lng",)), 180)
    return {"lat": latitude, "lng": longitude} | _numbers(document, ("radius",)) | _texts(document, ("geolocSource",))


def location(position: Mapping[str, Any]) -> str | None:
    """`LAT,LNG` in degrees, of something with lat and lng; None where it has none, or says that it found none."""
    latitude, longitude = position.get("lat"), position.get("lng")
    if latitude is None or longitude is None or position.get("status") == NO_POSITION:
        return None
    return f"{_shortest(latitude)},{_shortest(longitude)}"


def _shortest(degrees: float) -> str:
    return f"{degrees:.7f}".rstrip("0").rstrip(".")  # a centimetre


def _quality(document: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("lqi", "linkQuality"):
        quality = _lqi(first_of(document, (name,)))
        if quality is not None:
            return {"lqi": quality, "linkQuality": LQI.index(quality)}
    return {}


def _lqi(value: Any) -> str | None:
    if isinstance(value, str) and value.upper() in LQI:
        return value.upper()
    number = _number(value)
    return LQI[int(number)] if number is not None and number in range(len(LQI)) else None


def _station(station: Mapping[str, Any]) -> dict[str, Any]:
    return _texts(station, ("bsId",)) | _numbers(station, ("nbRep", "rssi", "snr"))


def _computed(value: Any) -> dict[str, Any]:
    """The computed location; Sigfox's REST API gives a list of them, the best first."""
    if isinstance(value, list):
        value = next(iter(value), None)
    if not isinstance(value, Mapping):
        return {}
    computed = _numbers(value, ("radius", "source", "status"))
    try:
        position = {"lat": _degrees("lat", value.get("lat"), 90), "lng": _degrees("lng", value.get("lng"), 180)}
    except BadRequest:
        position = {}
    places = value.get("placeIds")
    if isinstance(places, list):
        computed["placeIds"] = [place for place in places[:PLACES_MAX] if _is_short_text(place)]
    return position | computed


def _degrees(name: str, value: Any, limit: int) -> int | float:
    degrees = read_number(name, value)
    if abs(degrees) > limit:
        raise BadRequest(f"{name} is {degrees}: degrees from -{limit} to {limit} are needed")
    return degrees


def _numbers(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    found = {name: _number(values.get(name)) for name in names}
    return {name: number for name, number in found.items() if number is not None}


def _number(value: Any) -> int | float | None:
    try:
        return read_number("", value)
    except BadRequest:
        return None


def _texts(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    found = {name: first_of(values, (name,)) for name in names}
    return {name: str(value) for name, value in found.items() if _is_short_text(value) or type(value) is int}


def _is_short_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= TEXT_MAX
