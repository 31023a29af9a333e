"""Radio metadata of a message (DATA_ADVANCED, GEOLOC) as the JSON that is kept beside it.

Only known variables are kept, each within bounds. One that cannot be read is left out; the others are kept.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from evd.errors import BadRequest
from evd.sigfox.message import first_of, read_number

LQI = ("LIMIT", "AVERAGE", "GOOD", "EXCELLENT", "NA")
"""Link quality, indexed by its number 0..4 (support.sigfox.com/docs/data-advanced)."""

STATIONS_MAX = 64
"""Base stations kept for one message; in dense areas 10 to 20 receive it (disk91.com, 2019)."""

PLACES_MAX = 16
TEXT_MAX = 64
NO_POSITION = 0
"""Value of Sigfox's computedLocation.status if no location was found; its lat and lng then mean nothing."""

_NUMBERS = ("countryCode", "fixedLat", "fixedLng", "rssi", "snr", "avgSnr", "signal", "avgSignal")
_TEXTS = ("operatorName", "station")


def of_advanced(document: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a DATA_ADVANCED; lqi and linkQuality are both set, whichever was sent."""
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
    """The callback's variables that `said` lacks, under `values`; for callbacks of which no other copy is kept."""
    left = {
        name: value for name, value in document.items() if name not in envelope and not _holds(said.get(name), value)
    }
    return {"values": left} if left else {}


def _holds(kept: Any, given: Any) -> bool:
    """Whether the kept value has all that was given; for a list, all items that are kept."""
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
    """The location of a GEOLOC, in degrees and metres. Raises BadRequest if it has no position."""
    latitude = _degrees("lat", first_of(document, ("lat",)), 90)
    longitude = _degrees("lng", first_of(document, ("lng",)), 180)
    return {"lat": latitude, "lng": longitude} | _numbers(document, ("radius",)) | _texts(document, ("geolocSource",))


def location(position: Mapping[str, Any]) -> str | None:
    """A position with lat and lng as `LAT,LNG` in degrees; None if it has none or states that none was found."""
    latitude, longitude = position.get("lat"), position.get("lng")
    if latitude is None or longitude is None or position.get("status") == NO_POSITION:
        return None
    return f"{_shortest(latitude)},{_shortest(longitude)}"


def _shortest(degrees: float) -> str:
    return f"{degrees:.7f}".rstrip("0").rstrip(".")  # seven digits: a centimetre


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
    """The computed location; Sigfox's REST API sends a list of them, the best first."""
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
