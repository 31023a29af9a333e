"""What a template makes of values: unreplaced variables, nulls joined to other text, wrapping objects, locations.

Sigfox leaves `{customData#lat}` as it is if the device type's payload format has no such field, and writes `null` for
a field beyond the payload's end (forum.arduino.cc/t/495975). Neither is a value, wherever it stands in a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from evd.model.geo import text_of

# A variable in Sigfox's notation: {device}, {customData#temperature}. No regular expression here can backtrack.
_variable = re.compile(r"\{[A-Za-z_]\w*+(?:#[\w#-]++)?\}", re.ASCII)
_glued = re.compile(r"(?:null|[+-]?[0-9]++)(?:[.,;:/| ](?:null|[+-]?[0-9]++))+")

NO_NUMBERS = frozenset({"NaN", "nan", "Infinity", "-Infinity"})
"""What a float without a value becomes inside quotes; JSON has no number for it (RFC 8259, section 6)."""

GLUED_MAX = 256
"""Length of a text, in characters, up to which it is searched for joined numbers."""


def is_unreplaced(value: Any) -> bool:
    """Whether a text contains a variable that Sigfox did not replace."""
    return type(value) is str and "{" in value and _variable.search(value) is not None


def is_no_value(text: str) -> bool:
    """Whether a text means that there is no value: `null`, `null.null`, `5.null`, `NaN`."""
    if text == "null" or text in NO_NUMBERS:
        return True
    return "null" in text and len(text) <= GLUED_MAX and _glued.fullmatch(text) is not None


def is_plain(value: Any) -> bool:
    """Whether a value needs no cleaning; a cheap test that nearly every value passes."""
    if type(value) is str:
        return "{" not in value and "null" not in value and value not in NO_NUMBERS
    return type(value) is not dict and type(value) is not list


class Cleaned(NamedTuple):
    """A value after cleaning; `replaced` is false if it contained unreplaced variables."""

    value: Any
    replaced: bool = True


def cleaned(value: Any) -> Cleaned:
    """The value, with None in place of each text in it that means no value."""
    kind = type(value)
    if kind is str:
        if is_unreplaced(value):
            return Cleaned(None, replaced=False)
        return Cleaned(None if is_no_value(value) else value)
    if kind is dict:
        members = {name: cleaned(one) for name, one in value.items()}
        kept = {name: one.value for name, one in members.items()}
        return Cleaned(kept, all(one.replaced for one in members.values()))
    if kind is list:
        items = [cleaned(one) for one in value]
        return Cleaned([one.value for one in items], all(one.replaced for one in items))
    return Cleaned(value)


def unwrapped(value: Any) -> Any:
    """The value inside an object such as `{"value": 15}`, which Ubidots' templates write; any other value unchanged."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


class Location(NamedTuple):
    """The vehicle's location in an object, as `LAT,LNG`."""

    text: str | None
    """None if there is no location, or if it is `unclear`."""
    unclear: bool = False
    """Whether both numbers may be the latitude."""


def location_of(value: Any) -> Location | None:
    """The location in an object with lat and lng, a GeoJSON Point or Feature, or a pair; None if there is none.

    GeoJSON puts the longitude first (RFC 7946, section 3.1.1), but templates that claim GeoJSON put the latitude first.
    So a pair counts only if exactly one of its numbers can be the latitude; any other is unclear.
    """
    if isinstance(value, Mapping):
        if isinstance(value.get("geometry"), Mapping):
            value = value["geometry"]
        if "coordinates" not in value:
            return _named(value)
        value = value["coordinates"]
    if not isinstance(value, list) or not 2 <= len(value) <= 3:  # a third number is the altitude
        return None
    one, other = value[:2]
    if one is None or other is None:
        return Location(None)
    as_written, turned = text_of(one, other), text_of(other, one)
    if as_written is None and turned is None:
        return None
    return Location(None, unclear=True) if as_written and turned and one != other else Location(as_written or turned)


def _named(value: Mapping[str, Any]) -> Location | None:
    pair = [next((name for name in names if name in value), None) for names in (_LATITUDE, _LONGITUDE)]
    if None in pair:
        return None
    latitude, longitude = (value[name] for name in pair if name is not None)
    if latitude is None or longitude is None:
        return Location(None)
    text = text_of(latitude, longitude)
    return None if text is None else Location(text)


_LATITUDE = ("lat", "latitude")
_LONGITUDE = ("lng", "lon", "long", "longitude")
